"""The workbench's pages, one router a subject; each also works as a plain form."""

from web.pages.case import route_case_pages
from web.pages.draft import route_draft_pages
from web.pages.errors import error_page
from web.pages.exchange import route_exchange_pages
from web.pages.queue import route_queue_pages
from web.pages.reading import route_reading_pages
from web.pages.run import route_run_pages
from web.pages.sign import route_sign_pages

PAGE_ROUTERS = (
    route_sign_pages,
    route_queue_pages,
    route_case_pages,
    route_draft_pages,
    route_run_pages,
    route_reading_pages,
    route_exchange_pages,
)

__all__ = ["PAGE_ROUTERS", "error_page"]
