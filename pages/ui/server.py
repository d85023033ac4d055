"""The server: console, HTTP API and jobs in one process and port. Run by ``brain serve``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from brain import running
from brain.api.access import Gate
from brain.api.static import PackedStatic
from brain.serving import Serving

serving = Serving.begin()
# The pages are those of app.py. Without this, a link to a page that is the first visit after a
# start would be answered with "Page not found", because a folder named pages stands there.
PagesManager.uses_pages_directory = False


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Run the jobs while the server runs; leave the stores safe at the end."""
    serving.start()
    try:
        yield {}
    finally:
        serving.stop()


app = st.App(str(serving.script), lifespan=lifespan, routes=serving.api.routes(),
             middleware=[Middleware(Gate, hosts=serving.hosts), Middleware(PackedStatic)])
__all__ = ["app", "running"]
