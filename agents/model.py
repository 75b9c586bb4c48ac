"""Which chat model speaks: ChatOpenAI when a key or a server is given, else the one that works by rule."""

from langchain_core.language_models.chat_models import BaseChatModel

from recon.settings import Settings


def make_model(settings: Settings) -> BaseChatModel:
    """The chat model of the settings; importing a client only when there is something to talk to."""
    if not settings.has_live_model():
        from agents.offline import OfflineModel

        return OfflineModel()
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=settings.model,
        api_key=settings.openai_api_key or SecretStr("none"),
        base_url=settings.openai_base_url,
        temperature=0,
        timeout=settings.model_timeout,
        max_retries=2,
        use_responses_api=False,
        stream_usage=True,
    )
