import type { Link } from "@/hooks/use-events"
import { t } from "@/texts/en"

const LOOK: Record<Link, [string, string]> = {
  connecting: ["text-soft", t.common.connecting],
  live: ["text-good", t.common.live],
  stale: ["text-bad", t.common.stale],
  over: ["text-soft", t.common.over],
}

/** Whether what is shown is of this moment. */
export function StateOf({ link }: { link: Link }) {
  const [colour, text] = LOOK[link]
  return (
    <span role="status" data-link={link} className={`text-sm ${colour}`}>
      ● {text}
    </span>
  )
}
