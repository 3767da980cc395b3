"use client"

import { Notice } from "@/components/ui/notice"
import { useHead, useMarketLink } from "@/hooks/news"
import { t } from "@/texts/en"

/** The newest block that this page knows of. */
export function Head() {
  const link = useMarketLink()
  const head = useHead()
  if (head === null) return null
  return (
    <span className="text-soft hidden text-sm tabular-nums lg:inline" data-head={head}>
      <span aria-hidden className={link === "live" ? "text-good" : "text-bad"}>
        ●
      </span>{" "}
      {t.common.block(head.toLocaleString("en-GB"))}
    </span>
  )
}

/** Said on every page for as long as nobody tells it what is new. */
export function Staleness() {
  if (useMarketLink() !== "stale") return null
  return (
    <div role="status" className="mb-5">
      <Notice tone="warn">{t.common.cutOff}</Notice>
    </div>
  )
}
