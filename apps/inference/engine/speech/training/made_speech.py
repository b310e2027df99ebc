"""Speech made by a program, its phones known to the frame: it teaches the mouth's width, for GRID rounds few vowels.

A small net (hibari-tts, Apache-2.0) says sentences of our own at several speeds and pitches; how wide the lips are to
each phone is told by the table the project's sample is drawn by (`sample/articulation.py`). Real mouths know the
opening better than that table does, so nothing else is taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ...errors import EngineError
from ...face.mouth_params import WIDTH
from ...sample.articulation import mouth_motion
from ...sample.lines import Phone
from ..mel import SAMPLE_RATE
from ..readout import Readout
from .fitting import Fitter, Heard, States, other_room, spoken_steps
from .footage import TrainingClip

Floats = NDArray[np.float32]

# How much of what was learnt here is added to the width; how strongly its weights are held down.
SHARE, PENALTY = 0.5, 4.0
# Lips are ahead of what is heard of them; agreement with real mouths is highest at 50 to 60 ms.
LEAD_S = 0.06
PITCHES = (72, 78, 84, 90, 100, 100, 110, 120)  # per cent: played slower or faster than it was spoken
SPEEDS = (0.85, 1.25)
_VOICE_RATE = 24_000
_DURATIONS = "/Cast_32_output_0"  # of hibari-tts 0.2.1: steps each symbol lasts
_STRESS = "ˈˌ"
# The voice's symbols by the sounds of the table; letters of its own are diphthongs.
_VOWELS = {
    symbol: phone
    for phone, symbols in {
        "AA": "ɑɒa", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "EH": "ɛ", "AX": "əɐᵊ", "IH": "ɪᵻ", "IY": "i", "ER": "ɚɜ",
        "UH": "ʊu", "AW": "W", "AY": "I", "EY": "Ae", "OW": "OQo", "OY": "Y",
    }.items()
    for symbol in symbols
}  # fmt: skip
_CONSONANTS = {
    symbol: phone
    for phone, symbols in {
        "B": "b", "M": "m", "P": "p", "F": "f", "V": "v", "DH": "ð", "TH": "θ", "S": "s", "Z": "z", "CH": "ʧʤ",
        "SH": "ʃʒ", "D": "dɾT", "L": "l", "N": "n", "T": "t", "G": "ŋɡ", "K": "k", "R": "ɹr", "W": "w", "IY": "j",
    }.items()
    for symbol in symbols
}  # fmt: skip
SENTENCES = """
We walked along the river for an hour before the rain began, and nobody had thought to bring a coat.
Could you please move the boxes to the back room, and open the window while you are there?
The new museum shows boats, maps, puppets and a whole room full of old musical boxes.
Every winter my father used to build a wooden bridge over the brook behind our house.
I would never have believed how quickly the whole story was forgotten by everybody in the village.
You should choose a few good tools, use them often, and look after them properly.
Above the valley, five white birds were moving very slowly towards the mountains.
My mother baked a pumpkin pie, and my brother put a pound of butter on the table.
The wolf would not go through the wood without a word from his good old wife.
Our shop opens at half past eight, but on Sundays we only open before noon.
Maybe we can meet at the museum, by the big marble map of Bombay.
What worries me most is how few people know what to do when the power goes out.
She washed four yellow shirts, pushed them into a bag, and left for the airport.
Please keep your voice low, because both of the babies have just fallen asleep.
A huge ship with blue and white flags came round the point and dropped its anchor.
He shook his head, smiled, and poured himself another cup of very strong coffee.
Nobody knows whether the bakery on the corner will open again before the summer.
Thank you for joining us today; we have an awful lot of things to talk about.
The bottom of the pool was painted blue, purple and a peculiar shade of brown.
If you push the button twice, the machine stops and a small green lamp comes on.
Papa bought a pair of brown boots and a broom from the man with the beard.
Some of the world's oldest fruit trees grow in the hills above this harbour.
I hope you enjoyed the film, although the music was much too loud for me.
Few would choose to move house in the middle of a very wet and windy autumn.
We measured every film twice, wrote down the numbers, and compared them afterwards.
Bob and Pam may be able to repair the pump, but probably not before November.
Would you rather wait for a week or pay somewhat more for a faster parcel?
The author reads her own book aloud, with warmth, wit and a very clear voice.
For the first time in four years the frost had covered all of the farm roofs.
They showed us how to fold the paper, how to glue it, and how to make it fly.
Oh no, the whole row of yellow tulips below the window is under snow.
Today's programme is about memory, money, and the many ways in which we lose both.
""".strip().splitlines()


@dataclass(frozen=True)
class MadeLine:
    """One sentence: samples at 16 kHz, phones in seconds from the first of them."""

    samples: Floats
    phones: list[Phone]


def hear_made(states_of: States, seed: int = 0) -> list[Heard]:
    """Every sentence once, every other one in another room; target (n, 1): the width in standard deviations.

    Raises EngineError where the voice is not installed.
    """
    random = np.random.default_rng(seed)
    heard, narrow = [], []
    for number, line in enumerate(_made_lines(random)):
        samples = other_room(line.samples, random) if number % 2 else line.samples
        states = states_of(samples)
        times = np.arange(len(states)) / 50
        narrow.append(mouth_motion(line.phones, len(samples) / SAMPLE_RATE, times + LEAD_S).narrowing)
        none = np.empty((0, 7))
        clip = TrainingClip(f"made {number}", "made", times, none, samples, none)
        heard.append(Heard(clip, states, none, spoken_steps(samples, len(states)), 1.0))
    mean, spread = np.concatenate(narrow).mean(), np.concatenate(narrow).std()
    widths = [((mean - one) / spread)[:, None] for one in narrow]
    return [replace(item, targets=width) for item, width in zip(heard, widths, strict=True)]


def with_rounding(readout: Readout, fitter: Fitter, made: list[Heard]) -> Readout:
    """`readout`, fitted by `fitter`, with a share of what `made` speech says of the width added to its own."""
    strict = replace(fitter, penalty=PENALTY)
    learnt = strict.solve(strict.moments(made))
    weights, bias = readout.weights.copy(), readout.bias.copy()
    weights[:, :, WIDTH] += np.float32(SHARE) * learnt.weights[:, :, 0]
    bias[WIDTH] += np.float32(SHARE) * learnt.bias[0]
    return replace(readout, weights=weights, bias=bias)


def _made_lines(random: np.random.Generator) -> Iterator[MadeLine]:
    voice, session = _voice()
    for sentence in SENTENCES:
        pitch, speed = int(random.choice(PITCHES)), float(random.uniform(*SPEEDS))
        parts, phones, at = [], [], 0.0
        for symbols in voice.phonemize(sentence):
            samples, found = _speak(voice, session, symbols, speed * 100 / pitch)
            phones += [replace(one, start_s=at + one.start_s, end_s=at + one.end_s) for one in found]
            at += len(samples) / _VOICE_RATE
            parts.append(samples)
        # Played at another pace the whole voice is higher or lower; the speed asked for makes up for that.
        played = resample_poly(np.concatenate(parts), 2 * 100, 3 * pitch).astype(np.float32)
        scale = 100 / pitch
        phones = [replace(one, start_s=one.start_s * scale, end_s=one.end_s * scale) for one in phones]
        yield MadeLine(played, phones)


def _voice() -> tuple[Any, Any]:
    """The voice, and its net with the durations handed out as well."""
    try:
        import hibari
        import onnx
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            "generation_infra_storage_error",
            f"The voice that speaks the training sentences cannot be loaded: {error}.",
            "Install it with `pip install -r requirements-voice.txt onnx`, or train without --rounding.",
        ) from error
    voice = hibari.Hibari()
    net = onnx.load(voice.model_path)
    net.graph.output.append(onnx.helper.make_tensor_value_info(_DURATIONS, onnx.TensorProto.INT64, None))
    return voice, onnxruntime.InferenceSession(net.SerializeToString(), providers=["CPUExecutionProvider"])


def _speak(voice: Any, session: Any, symbols: str, speed: float) -> tuple[Floats, list[Phone]]:
    """Samples at 24 kHz of one sentence in the voice's own symbols, and its phones."""
    from hibari import dsp

    ids = voice.ids(symbols)
    given = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
    *spectrum, durations = session.run(None, given)
    samples = dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(0))
    steps = np.asarray(durations).ravel()
    ends = np.cumsum(steps) * (len(samples) / _VOICE_RATE / steps.sum())
    named = {number: symbol for symbol, number in voice.vocab.items()}
    return samples, phones_of([named.get(number, "") for number in ids], ends)


def phones_of(symbols: list[str], ends: NDArray[np.floating]) -> list[Phone]:
    """Phones of symbols that end at `ends` (n,) seconds; marks of stress and length count to what they belong to."""
    phones: list[Phone] = []
    start, stress = 0.0, 0
    for symbol, end in zip(symbols, ends.tolist(), strict=True):
        if symbol and symbol in _STRESS:
            stress = 1
            continue  # its time is the beginning of the next sound
        if symbol == "ː" and phones:
            phones[-1] = replace(phones[-1], end_s=end)
        elif symbol in _VOWELS:
            phones.append(Phone(_VOWELS[symbol], stress, start, end))
            stress = 0
        elif symbol in _CONSONANTS:
            phones.append(Phone(_CONSONANTS[symbol], 0, start, end))
        start = end
    return phones
