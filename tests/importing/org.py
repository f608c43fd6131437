"""One company that the exports of all four systems describe: five teams, twenty people."""

from datetime import UTC, datetime

NOW = datetime(2026, 2, 23, 0, 0, tzinfo=UTC)  # a Monday; New York changes its clocks on 8 March, Berlin on 29 March
WEEKS = 8

PEOPLE = (
    "Ana Lima",
    "Bo Winter",
    "Chi Adler",
    "Dee Carter",
    "Eli Brandt",
    "Fay Moreno",
    "Gus Novak",
    "Hal Ito",
    "Ida Berg",
    "Jon Park",
    "Kim Sato",
    "Lou Petit",
    "Mia Costa",
    "Ned Okoye",
    "Oz Demir",
    "Pam Reyes",
    "Quy Tran",
    "Rex Hall",
    "Sia Wong",
    "Tom Kerr",
)
TEAMS = {
    "Payments": ("Ana Lima", "Bo Winter", "Chi Adler", "Dee Carter"),
    "Platform": ("Eli Brandt", "Fay Moreno", "Gus Novak", "Hal Ito"),
    "Search": ("Ida Berg", "Jon Park", "Kim Sato", "Lou Petit"),
    "Data": ("Mia Costa", "Ned Okoye", "Oz Demir", "Pam Reyes"),
    "Mobile & Web": ("Quy Tran", "Rex Hall", "Sia Wong", "Tom Kerr"),
}
IDS = {name: f"P{number:03}" for number, name in enumerate(PEOPLE, 1)}
TEAM_IDS = {name: f"T{number:03}" for number, name in enumerate(TEAMS, 1)}


def mail(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.org"
