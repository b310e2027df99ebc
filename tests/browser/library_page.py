"""What the browser tests of the library share: the way in, and a card by its name."""

from playwright.sync_api import Locator, Page


def open_library(page: Page, live_server, owner, workspace, as_person) -> Page:
    """The owner's library, with a mark that a reload would wipe away. The session is made on the server: signing in
    by the form takes a second and has tests of its own."""
    cookie = as_person(owner).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(f"{live_server.url}/w/{workspace.slug}/library/")
    page.evaluate("window.sameDocument = true")
    return page


def card(page: Page, name: str) -> Locator:
    return page.locator("li.asset", has_text=name)
