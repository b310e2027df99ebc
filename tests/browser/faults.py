"""What is wrong with a page, for ``tests.browser.shots --axe``: people kept out, overflow, jumps, small targets."""

from collections.abc import Iterator

from playwright.sync_api import ConsoleMessage, Page, Response

from tests.browser.axe import serious

# Layout shifts as browsers score them; `hadRecentInput` are those that a click asked for.
SHIFTS = """
    window.shift = 0;
    window.shifters = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries().filter((one) => !one.hadRecentInput)) {
            window.shift += entry.value;
            const box = ({x, y, width, height}) => `${x},${y} ${width}x${height}`;
            const moved = entry.sources.map(({node, previousRect, currentRect}) =>
                `${node?.id || node?.className || node?.nodeName} from ${box(previousRect)} to ${box(currentRect)}`);
            window.shifters.push(`${entry.value.toFixed(3)} at ${Math.round(entry.startTime)} ms: ${moved.join("; ")}`);
        }
    }).observe({type: "layout-shift", buffered: true});
"""
MOST_SHIFT = 0.02

# Where a finger lands: 19 px above, below and beside the middle of a control must still be the control, or its label.
# Each is brought into the middle of the window first, so that no edge of a list cuts it and what lies further down is
# measured too. Links inside a sentence are exempt (WCAG 2.5.8), what lies under a dialog, a menu or a bar, and the
# marks of a timeline, whose size says when.
SMALL = """
    () => {
        const asked = "a[href], button, input, select, textarea, summary, [role=slider], [tabindex='0'][role=button]";
        const top = document.querySelector("dialog:modal") ?? document.body;
        const skipped = "[readonly], .clip, .check-mark";
        const inText = (one) => one.matches("a") && getComputedStyle(one).display === "inline";
        const found = [];
        for (const one of top.querySelectorAll(asked)) {
            const label = one.matches("[type=checkbox], [type=radio], .visually-hidden") && one.closest("label");
            (label || one).scrollIntoView({ block: "center", inline: "nearest" });
            const box = (label || one).getBoundingClientRect();
            const x = box.left + box.width / 2, y = box.top + box.height / 2;
            const within = x > 22 && x < innerWidth - 22 && y > 22 && y < innerHeight - 22;
            if (!box.width || !within || inText(one) || one.disabled || one.matches(skipped)) continue;
            const owns = (at) => at && (at === one || one.contains(at) || at.closest("label")?.contains(one)
                || at.closest(".tabbar, .toasts, .selection, .estimate, .bar")
                || (at.closest(".menu") && !one.closest(".menu"))
                || [...(one.labels ?? [])].some((label) => label.contains(at)));
            if (!owns(document.elementFromPoint(x, y))) continue;
            const half = 19;
            const around = [[0, -half], [0, half], [-half, 0], [half, 0]];
            const missed = around.filter(([dx, dy]) => !owns(document.elementFromPoint(x + dx, y + dy)));
            const words = (one.ariaLabel ?? one.textContent).trim().slice(0, 24);
            const size = `${Math.round(box.width)}x${Math.round(box.height)}`;
            if (missed.length) found.push(`${one.tagName.toLowerCase()}.${one.className || one.id} ${size} ${words}`);
        }
        return found;
    }
"""


# Playwright's screenshots hide the caret with a style of their own, which the page's policy refuses.
FROM_SCREENSHOT = "Applying inline style"
# The address under which a shot shows an error page that the studio did not come to by itself.
DRAWN = "/drawn/"


class Complaints:
    """What the browser says of a page: script errors, console errors, files that are missing, answers of 500 and above.

    A page or a form that answers 4xx is a state like any other. Set ``pictured`` before a screenshot is taken.
    """

    pictured = False

    def __init__(self, page: Page) -> None:
        self._found: list[str] = []
        page.on("pageerror", lambda error: self._found.append(f"script error: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def _said(self, message: ConsoleMessage) -> None:
        answered = message.text.startswith("Failed to load resource")  # told with its address by `_answered`
        ours = not (self.pictured and message.text.startswith(FROM_SCREENSHOT))
        if message.type == "error" and ours and not answered:
            self._found.append(f"console: {message.text}")

    def _answered(self, answer: Response) -> None:
        asked = answer.request.resource_type in ("document", "xhr", "fetch")
        if (answer.status >= 500 or (answer.status >= 400 and not asked)) and not answer.url.endswith(DRAWN):
            self._found.append(f"{answer.status} {answer.url}")


def faults(page: Page) -> list[str]:
    """Sentences, none where all is well. Fingers are measured where the page has no mouse."""
    found = serious(page)
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("scrolls sideways")
    if page.evaluate("matchMedia('(pointer: coarse)').matches"):
        found += [f"small for a finger: {one}" for one in page.evaluate(SMALL)]
    return found


def shifted(page: Page) -> list[str]:
    """How far the page jumped while it was loaded, where that is too far; needs ``SHIFTS`` as an init script."""
    shift = page.evaluate("window.shift ?? 0")
    if shift <= MOST_SHIFT:
        return []
    return [f"jumps by {shift:.3f} while it loads", *page.evaluate("window.shifters")]
