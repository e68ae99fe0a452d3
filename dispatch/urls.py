"""URLs of the dispatch room."""

from __future__ import annotations

from django.urls import path

from dispatch.views import board, booking, palette

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
]
