"""A folder that is one job: posted, followed to its end, and settled."""

from __future__ import annotations

from collections.abc import Mapping

from cli import deploy as deploying
from cli.follow import follow, settle, show_receipt, until_refund_is_known
from cli.screen import Screen
from cli.secrets import hand_over
from cli.session import Session


async def deploy_one(
    session: Session,
    screen: Screen,
    plan: deploying.Plan,
    values: Mapping[str, bytes],
    *,
    detach: bool,
) -> int:
    """Post it with its secrets, and see it through unless `detach`; the command's exit code."""
    receipt = await deploying.upload_and_post(session, plan)
    deploying.show_posted(screen, plan, receipt)  # first: whatever comes now, the job is known
    if values:
        await hand_over(session, plan.job_id, values)
    if detach:
        screen.say(f"Follow it with `draas logs -f {plan.job_id[:10]}`.")
        return 0
    await follow(session, plan.job_id, screen)
    await settle(session, plan.terms, screen)
    return show_receipt(screen, await until_refund_is_known(session.api, plan.job_id)).exit_code
