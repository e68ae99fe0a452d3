"""URLs of the dispatch room."""

from __future__ import annotations

from django.urls import path

from dispatch.views import board, booking, console, driver, offers, palette, rule_test, trip_actions, trips

app_name = "dispatch"
urlpatterns = [
    path("board", board.board, name="board"),
    path("board/print", board.board_print, name="board_print"),
    path("board/export.csv", board.board_csv, name="board_csv"),
    path("board/search", board.board_search, name="board_search"),
    path("board/alerts/<uuid:alert_id>/acknowledge", board.board_acknowledge, name="board_acknowledge"),
    path("board/trips/<int:number>/ready", board.board_ready, name="board_ready"),
    path("board/requests/<uuid:request_id>/resume", board.board_resume, name="board_resume"),
    path("book", booking.book, name="book"),
    path("book/draft", booking.book_draft, name="book_draft"),
    path("book/preview", booking.book_preview, name="book_preview"),
    path("palette", palette.palette, name="palette"),
    path("dispatch", console.console, name="console"),
    path("dispatch/match", console.match_all, name="console_match"),
    path("trips", trips.trips, name="trips"),
    path("trips/<int:number>", trips.trip, name="trip"),
    path("trips/<int:number>/sheet", trips.sheet, name="trip_sheet"),
    path("trips/<int:number>/signature", trips.signature, name="trip_signature"),
    path("trips/<int:number>/photo", trips.photo, name="trip_photo"),
    path("trips/<int:number>/cancel", trip_actions.cancel, name="trip_cancel"),
    path("trips/<int:number>/hold", trip_actions.hold, name="trip_hold"),
    path("trips/<int:number>/resume", trip_actions.resume, name="trip_resume"),
    path("trips/<int:number>/ready", trip_actions.ready, name="trip_ready"),
    path("trips/<int:number>/match", trip_actions.match_again, name="trip_match"),
    path("trips/<int:number>/ask-all", trip_actions.ask_all, name="trip_ask_all"),
    path("trips/<int:number>/answer", trip_actions.answer, name="trip_answer"),
    path("trips/<int:number>/take-back", trip_actions.take_back, name="trip_take_back"),
    path("trips/<int:number>/give-back", trip_actions.give_back, name="trip_give_back"),
    path("trips/<int:number>/crew", offers.crew, name="trip_crew"),
    path("rules/levels/test", rule_test.rules_test, name="rules_test"),
    path("alerts/<uuid:alert_id>/acknowledge", trip_actions.acknowledge, name="alert_acknowledge"),
    path("offers", offers.offers, name="offers"),
    path("offers/<uuid:offer_id>/accept", offers.accept, name="offer_accept"),
    path("offers/<uuid:offer_id>/decline", offers.decline, name="offer_decline"),
    path("drive", driver.day, name="driver_day"),
    path("drive/sw.js", driver.worker, name="driver_worker"),
    path("drive/<uuid:leg_id>", driver.leg, name="driver_leg"),
    path("drive/<uuid:leg_id>/tap", driver.tap, name="driver_tap"),
    path("drive/<uuid:leg_id>/proof", driver.proof, name="driver_proof"),
]
