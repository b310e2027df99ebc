// Times the server wrote in UTC, shown in the person's own clock: today only the hour, else the day too, and the year where
// it is another. Day before month, as in every other date of the studio, whatever the language of the browser.
const ORDER = "en-GB";

export function showLocalTimes(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    const hour = at.toLocaleTimeString(ORDER, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const day = at.toDateString() === now.toDateString() ? "Today" : at.toLocaleDateString(ORDER, date(at, now));
    element.textContent = `${day} ${hour}`;
    element.title = at.toLocaleString(ORDER, { dateStyle: "long", timeStyle: "medium" });
  }
}

function date(at, now) {
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return { day: "numeric", month: "short", ...year };
}

showLocalTimes();
document.addEventListener("htmx:afterSettle", (event) => showLocalTimes(event.target));
