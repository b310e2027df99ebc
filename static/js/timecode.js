/** Seconds as people read them: 0:08.5, 1:02:03.250. */
export function timecode(seconds, decimals = 1) {
  const unit = 10 ** decimals;
  const ticks = Math.max(0, Math.round(seconds * unit));
  const whole = Math.floor(ticks / unit);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const clock = parts[0]
    ? `${parts[0]}:${String(parts[1]).padStart(2, "0")}:${String(parts[2]).padStart(2, "0")}`
    : `${parts[1]}:${String(parts[2]).padStart(2, "0")}`;
  return decimals ? `${clock}.${String(ticks % unit).padStart(decimals, "0")}` : clock;
}
