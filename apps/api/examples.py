"""One example of each answer, for the OpenAPI document; tests hold them to the schemas."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel

TAKE = "6f1c2f7e-5d0a-4f3e-9a64-0b7a3f0e9c11"
FILM = "0d9f4c1a-2b7e-4f0c-8a55-6a1f1d3c2b90"
SOUND = "b1a6f0c4-7c2d-4d8e-9f3a-2e5d7c8b9a01"
PROJECT = "3c9e8d7f-6b5a-4c3d-8e2f-1a0b9c8d7e6f"
MADE, ENDED = "2026-11-22T10:00:00+00:00", "2026-11-22T10:01:12+00:00"
BASE = "https://studio.example/v2"

GENERATION = {
    "id": TAKE,
    "createdAt": MADE,
    "status": "COMPLETED",
    "model": "lipsync-2",
    "input": [
        {"type": "video", "assetId": FILM, "url": f"{BASE}/files/signed/talk.mp4"},
        {"type": "audio", "assetId": SOUND, "url": f"{BASE}/files/signed/voice.wav"},
    ],
    "options": {"sync_mode": "cut_off", "temperature": 0.6},
    "segments": None,
    "outputUrl": f"{BASE}/files/signed/result.mp4",
    "outputMediaUrl": f"{BASE}/files/signed/result.mp4",
    "outputDuration": 9.6,
    "segmentOutputUrl": None,
    "synthesizedAudioUrl": None,
    "error": None,
    "error_code": None,
    "errorCode": None,
    "suggestion": None,
    "webhookUrl": None,
    "outputFileName": None,
    "projectId": PROJECT,
    "source": "api",
    "warnings": [],
}
ASSET = {
    "id": FILM,
    "createdAt": MADE,
    "updatedAt": MADE,
    "name": "talk.mp4",
    "url": f"{BASE}/files/signed/talk.mp4",
    "size": 5242880,
    "format": "mp4",
    "type": "VIDEO",
    "inputType": "UPLOAD",
    "durationSeconds": 9.6,
    "thumbnailUrl": f"{BASE}/thumbnails/signed",
    "visibility": "ORGANIZATION",
    "width": 1920,
    "height": 1080,
    "status": "ready",
    "error": None,
    "speech": None,
}
PROJECT_ROW = {
    "id": PROJECT,
    "name": "Harbour film",
    "description": "Trailer, all languages",
    "createdAt": MADE,
    "updatedAt": ENDED,
    "visibility": "ORGANIZATION",
    "mode": "CREATOR",
    "defaultWorkflow": "lipsync",
}
FINDING = {
    "kind": "small_face",
    "severity": "WARNING",
    "startSeconds": 3.2,
    "endSeconds": 5.0,
    "reason": "The face is small here.",
    "advice": {"lipsync-2": "Crop the film closer to the face."},
    "fixes": [],
}
PERSON = {
    "id": 1,
    "firstSeconds": 0.0,
    "lastSeconds": 9.6,
    "seconds": 9.4,
    "share": 0.98,
    "seenAtSeconds": 4.1,
    "box": [0.4, 0.2, 0.2, 0.35],
    "fixed": False,
}
USAGE = {
    "since": "2026-11-01T00:00:00+00:00",
    "plan": "creator",
    "usage": {
        "totalGenerations": 12,
        "totalSeconds": 110.4,
        "totalFrames": 2760,
        "totalCostCents": 552.0,
        "totalTtsSeconds": 31.5,
    },
    "credits": {"balance": 20.0, "available": 19.52, "inFlight": 0.48},
    "freeMonthlyLimits": {"generations": 0},
    "limits": {"maxConcurrent": 3, "maxDurationSeconds": 300},
    "activeGenerations": 1,
}
COST = {"estimatedFrameCount": 240, "estimatedGenerationCost": 0.48}
JOB_ENDED = {"error": None, "errorCode": None, "suggestion": None}

EXAMPLES: dict[str, Any] = {
    "Generation": GENERATION,
    "Count": {"count": 42},
    "Deleted": {"id": TAKE},
    "Report": {
        "id": TAKE,
        "status": "COMPLETED",
        "report": {"agreement": 0.94, "offset_ms": -10},
        "chargedSeconds": 9.6,
        "chargedUsd": 0.48,
        "events": [{"at": ENDED, "what": "COMPLETED", "detail": {}}],
    },
    "Costs": {
        "generationId": TAKE,
        "components": [{"type": "lipsync", "costUsd": 0.48}],
        "totalCostUsd": 0.48,
        "knownSubtotalUsd": 0.48,
        "excludedCosts": [],
        "retryAfterSeconds": None,
    },
    "Cost": COST,
    "Estimate": COST | {"estimatedCredits": None},
    "ShareLink": {
        "id": TAKE,
        "url": "https://studio.example/s/signed/",
        "createdAt": MADE,
        "expiresAt": None,
        "password": False,
        "original": True,
        "comments": True,
        "downloads": False,
    },
    "Asset": ASSET,
    "AssetPage": {"items": [ASSET], "nextCursor": None, "totalCount": 1},
    "FootageCheck": {
        "assetId": FILM,
        "status": "READY",
        "error": None,
        "errorCode": None,
        "durationSeconds": 9.6,
        "suggestedModel": "lipsync-2",
        "cutsSeconds": [],
        "findings": [FINDING],
        "people": [PERSON],
    },
    "UploadTicket": {
        "uploadUrl": f"{BASE}/uploads/signed",
        "url": f"{BASE}/uploads/{FILM}",
        "expiresIn": 86400,
    },
    "Received": {"received": 5242880, "size": 5242880},
    "Voice": {
        "id": "heart",
        "voiceId": "heart",
        "internalVoiceId": None,
        "name": "Heart",
        "provider": "local",
        "previewUrl": None,
        "restriction": None,
        "language": "English",
        "description": "",
        "cloned": False,
    },
    "Speech": {"id": TAKE, "url": f"{BASE}/files/signed/speech.wav", "duration": 2.4, "assetId": SOUND},
    "SpeechJob": JOB_ENDED
    | {"id": TAKE, "status": "SUCCESS", "url": f"{BASE}/files/signed/speech.wav", "duration": 2.4}
    | {"assetId": SOUND, "createdAt": MADE, "startedAt": MADE, "finishedAt": ENDED},
    "ModelInfo": {
        "id": "lipsync-2",
        "name": "Lipsync 2",
        "type": "lipsync",
        "version": "2",
        "deprecatedAt": None,
        "description": "Learns the speaker from the clip.",
    },
    "Project": PROJECT_ROW,
    "ProjectPage": {"items": [PROJECT_ROW], "nextCursor": None},
    "Webhook": {
        "url": "https://receiver.example/lipsync",
        "secret": "whsec_…",
        "disabledAt": None,
        "previousSecretSignsUntil": None,
    },
    "Delivery": {
        "id": TAKE,
        "event": "generation.ended",
        "generationId": TAKE,
        "url": "https://receiver.example/lipsync",
        "body": '{"id":"00000000-0000-4000-8000-000000000000","status":"COMPLETED"}',
        "state": "delivered",
        "tries": 1,
        "nextTryAt": None,
        "answerStatus": 200,
        "answer": "thanks",
        "createdAt": ENDED,
    },
    "Batch": {
        "id": TAKE,
        "created_at": MADE,
        "status": "PROCESSING",
        "webhookUrl": None,
        "outputUrl": None,
        "metrics": {"total_generations": 20, "success_count": 4, "failed_count": 0, "pending_count": 16},
    },
    "Validated": {"status": "VALIDATED"},
    "Usage": USAGE,
    "ErrorEntry": {
        "code": "asset_not_found",
        "message": "There is no such file.",
        "suggestion": "GET /v2/assets lists the files of the workspace.",
    },
    "Health": {"status": "ok"},
}


def example_of(kind: Any) -> Any:
    """An example of what a route gives: of a model, of a list of one, or of the first of several; None for others."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return EXAMPLES[kind.__name__]
    if kind is bool:
        return True
    inner = next((example_of(part) for part in get_args(kind) if part is not str), None)
    return [inner] if get_origin(kind) is list and inner is not None else inner
