"""Which chat model speaks: ChatOpenAI when a key or a server is given, else the one that works by rule."""

from typing import Final

from langchain_core.language_models.chat_models import BaseChatModel

from recon.settings import Settings

RETRIES: Final = 2
"""How often the client asks again where a server did not answer or was busy."""


def make_model(settings: Settings) -> BaseChatModel:
    """The chat model of the settings; importing a client only when there is something to talk to."""
    if not settings.has_live_model():
        from agents.offline import OfflineModel

        return OfflineModel()
    import httpx
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # A kept connection belongs to the event loop that opened it, and runs, sweeps and chats each have their own loop.
    unkept = httpx.AsyncClient(
        limits=httpx.Limits(max_keepalive_connections=0), timeout=settings.model_timeout, follow_redirects=False
    )

    return ChatOpenAI(
        model=settings.model,
        api_key=settings.openai_api_key or SecretStr("none"),
        base_url=settings.openai_base_url,
        temperature=0,
        timeout=settings.model_timeout,
        max_retries=RETRIES,
        use_responses_api=False,
        stream_usage=True,
        http_async_client=unkept,
    )
