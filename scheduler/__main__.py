"""`python -m scheduler`."""

from __future__ import annotations

import gc
import os
import sys
from types import FrameType

import uvicorn

from chain.errors import DraasError
from chain.log_setup import set_up_logs
from scheduler.app import create_app
from scheduler.sessions.frames import CountingProtocol
from scheduler.sessions.session import MAX_MESSAGE_BYTES
from scheduler.settings import read_settings


class Server(uvicorn.Server):
    """Ends tidily when told to, and at once when told again: what is under way is taken up from its rows."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGINT and SIGTERM."""
        if self.should_exit:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)


def _be_quick() -> None:
    """Short pauses rather than little work: what is loaded by now stays for good, so that the collector need not look
    at it again, and the database's threads get their turn at once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.0002)


def main() -> int:
    """Serve until told to stop; the exit code says which kind of fault kept it from starting."""
    try:
        set_up_logs(os.environ)
        settings = read_settings(os.environ)
        app = create_app()
    except DraasError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _be_quick()
    server = Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            log_config=None,  # its lines go the way of ours
            timeout_graceful_shutdown=3,
            ws=CountingProtocol,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # it costs each of a thousand sessions a quarter of a MiB
            ws_ping_interval=None,  # heartbeats tell
            timeout_keep_alive=30,
        )
    )
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
