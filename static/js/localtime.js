// Times the server wrote in UTC, shown in the person's own clock: today only the hour, else the day too.

export function showLocalTimes(root = document) {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    const hour = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const day = at.toDateString() === today ? "Today" : at.toLocaleDateString([], { day: "numeric", month: "short" });
    element.textContent = `${day} ${hour}`;
    element.title = at.toLocaleString();
  }
}

showLocalTimes();
document.addEventListener("htmx:afterSettle", (event) => showLocalTimes(event.target));
