"""Small films and sounds made on the spot."""

from fractions import Fraction

import av
import numpy as np


def picture(index, width, height):
    """RGB (h, w, 3): a moving square on a ramp, so that each frame and each corner can be told apart."""
    ramp = np.linspace(40, 120, width)[None, :, None] + np.linspace(0, 60, height)[:, None, None]
    image = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    at = 4 + 3 * index % max(1, width - 20)
    image[4:16, at : at + 12] = (230, 60, 60)
    return image


def write_video(path, count=12, size=(96, 80), fps=Fraction(25), *, codec="libx264", pix_fmt="yuv420p", ticks=None,
                rotation=0, tone_s=0.0, sound_delay_s=0.0, options=None, full_range=False):  # fmt: skip
    """A film of ``count`` frames; ``ticks`` are its times in milliseconds where the rate varies."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.options = options or ({"crf": "4"} if codec == "libx264" else {})
        base = Fraction(1, 1000) if ticks is not None else 1 / fps
        stream.codec_context.time_base = base
        if full_range:
            stream.codec_context.color_range = 2
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=48000, layout="mono") if tone_s else None
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            write_tone(container, sound, tone_s, sound_delay_s)
    return path


def write_tone(container, stream, seconds, delay_s=0.0, rate=48000):
    """A 440 Hz tone that fades in, so that its start can be found."""
    samples = np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate).astype(np.float32)[None] * 0.5
    for start in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start : start + 1024]), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start + round(delay_s * rate), Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_wav(path, samples, rate=16000):
    """16-bit mono."""
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        data = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(data, "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def click_train(seconds, at, rate=16000):
    """Silence with a short click at each time in ``at``."""
    samples = np.zeros(int(seconds * rate), np.float32)
    for moment in at:
        start = int(moment * rate)
        samples[start : start + 32] = 0.9
    return samples
