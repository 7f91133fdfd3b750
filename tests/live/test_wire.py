"""Between server processes, over Redis."""

from __future__ import annotations

import asyncio

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from apps.core import env
from apps.live.wire import GROUP


@pytest.mark.skipif(not settings.REDIS_URL, reason="Only Redis is shared.")
async def test_sites_beside_each_other_in_one_redis_hear_their_own_news_alone() -> None:
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    here = env.redis_database(settings.REDIS_URL)
    assert config["prefix"] == f"teams-{here}"
    ours, theirs = (
        RedisPubSubChannelLayer(**{**config, "prefix": prefix})
        for prefix in (config["prefix"], f"teams-{here + 1}")
    )
    try:
        channel = await ours.new_channel()
        await ours.group_add(GROUP, channel)
        await theirs.group_send(GROUP, {"type": "news", "of": "theirs"})
        await ours.group_send(GROUP, {"type": "news", "of": "ours"})
        async with asyncio.timeout(5):
            assert (await ours.receive(channel))["of"] == "ours"
    finally:
        await ours.flush()
        await theirs.flush()
