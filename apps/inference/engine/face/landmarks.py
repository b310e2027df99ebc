"""Index lists into the face mesh (468 points; the 478-point bundle adds ten iris points at the end).

Left and right are the image's. `OUTER_LIPS` and `INNER_LIPS` run round the mouth, lower lip first.
"""

from __future__ import annotations

POINTS = 468

OUTER_LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
INNER_LIPS = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]
LIPS = OUTER_LIPS + INNER_LIPS

# Upper and lower points that face each other; their distance is the opening.
APERTURE_PAIRS = [(13, 14), (82, 87), (312, 317)]
INNER_PAIRS = [(191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324)]
MOUTH_CORNERS = (61, 291)
UPPER_LIP_INNER = 13
LOWER_LIP_INNER = 14
UPPER_LIP_OUTER = 0
LOWER_LIP_OUTER = 17
NOSE_BASE = 2
CHIN_TIP = 152
FOREHEAD_TOP = 10
EYE_CORNERS = (33, 263)

JAW = [132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361]
CHIN = [200, 199, 175, 18, 83, 313, 182, 406, 201, 421, 208, 428, 171, 396, 140, 369, 32, 262, 211, 431, 210, 430]
CHEEKS = [
    *[202, 422, 204, 424, 194, 418, 43, 273, 106, 335, 57, 287, 186, 410, 92, 322, 165, 391, 167, 393, 164, 2, 326],
    *[97, 207, 427, 212, 432, 214, 434, 192, 416, 216, 436, 206, 426, 203, 423, 205, 425],
]

# Points that speech does not move: eyes, brows, bridge, tip and wings of the nose, forehead, temples.
RIGID = [
    *[33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 10, 67, 297, 109, 338, 103, 332, 54, 284],
    *[21, 251, 70, 300, 63, 293, 105, 334, 66, 296, 107, 336, 9, 8, 98, 327, 127, 356, 234, 454],
]

# Points a warp of the lower face holds still (displacement zero) so that eyes, nose and temples stay.
ANCHORS = [
    *[1, 4, 5, 195, 197, 6, 168, 98, 327, 129, 358, 33, 133, 362, 263, 159, 145, 386, 374, 123, 352],
    *[147, 376, 187, 411, 205, 425, 50, 280, 93, 323, 234, 454, 127, 356, 116, 345, 111, 340, 36, 266, 142, 371],
]

# Points the mouth code is made of: lips, six of the chin, five of the jaw.
CODE_POINTS = [*LIPS, *CHIN[:6], 152, 148, 377, 176, 400]

# Every point that is warped, anchors last; each once.
WARP_POINTS = list(dict.fromkeys([*LIPS, *CHIN, *CHEEKS, *JAW, *ANCHORS]))
WARP_INDEX = {point: row for row, point in enumerate(WARP_POINTS)}
FREE_POINTS = [point for point in WARP_POINTS if point not in set(ANCHORS)]

# The jaw's oval, from temple to temple.
FACE_OVAL_LOWER = [
    *[234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152],
    *[377, 400, 378, 379, 365, 397, 288, 361, 323, 454],
]
