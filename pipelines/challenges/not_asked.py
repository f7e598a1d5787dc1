"""Why a player is asked for nothing new tonight, as published, and what a person reads of it."""

UNLIKELY, ENOUGH_OPEN, OUT_OF_REACH = "unlikely to play", "enough is open", "nothing in reach"
ASKED_ALREADY, NO_DAILIES, CAPPED = "asked already", "no daily challenges", "cap of the day"
ENDED = "has come to the end"
NOT_ASKED = {
    UNLIKELY: "too unlikely to play: a come-back message instead",
    ENDED: "too unlikely to play, for the last that they did is what play ends with",
    ENOUGH_OPEN: "as many challenges are open as the app allows: an encouraging message instead",
    OUT_OF_REACH: "every target is all but sure for them or out of their reach: an encouraging message instead",
    ASKED_ALREADY: "all that is in reach is asked already: an encouraging message instead",
    NO_DAILIES: "the app asks nobody for daily challenges: an encouraging message instead",
    CAPPED: "the app's caps leave no room today",
}
