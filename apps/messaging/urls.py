"""Inboxes, messages and discussions. Included before the addresses of teams' boards."""

from __future__ import annotations

from django.urls import path

from apps.messaging import views

TEAM = "teams/<str:slug>/"
MESSAGE = TEAM + "messages/<int:number>/"
DISCUSSION = TEAM + "discussions/<int:number>/"

urlpatterns = [
    path("inbox/", views.inbox_all, name="inbox_all"),
    path("inbox/read-all/", views.inbox_all_read, name="inbox_all_read"),
    path("inbox/news/", views.inbox_news, name="inbox_news"),
    path("inbox/notices/", views.notices, name="notices"),
    path(TEAM + "inbox/", views.inbox, name="inbox"),
    path(TEAM + "inbox/read-all/", views.inbox_read_all, name="inbox_read_all"),
    path(TEAM + "inbox/clear/", views.inbox_clear, name="inbox_clear"),
    path(TEAM + "messages/new/", views.message_new, name="message_new"),
    path(MESSAGE, views.message, name="message"),
    path(MESSAGE + "reply/", views.message_reply, name="message_reply"),
    path(MESSAGE + "read/", views.message_read, name="message_read"),
    path(MESSAGE + "archive/", views.message_archive, name="message_archive"),
    path(MESSAGE + "unarchive/", views.message_unarchive, name="message_unarchive"),
    path(MESSAGE + "answer/", views.message_answer, name="message_answer"),
    path(TEAM + "shutdown/", views.shutdown, name="shutdown"),
    path(TEAM + "discussions/", views.discussions, name="discussions"),
    path(DISCUSSION, views.discussion, name="discussion"),
    path(DISCUSSION + "turn/", views.discussion_turn, name="discussion_turn"),
    path(DISCUSSION + "conclude/", views.discussion_conclude, name="discussion_conclude"),
    path(DISCUSSION + "cancel/", views.discussion_cancel, name="discussion_cancel"),
]
