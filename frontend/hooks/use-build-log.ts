"use client"

import { useCallback, useRef, useState } from "react"

import type { Extent } from "@/hooks/use-log"
import { useEvents, type Link } from "@/hooks/use-events"
import { LogStore } from "@/lib/log/store"

/** What the build prints, as it prints it; a build that is tried again begins anew. */
export function useBuildLog(jobId: string): { log: LogStore; extent: Extent; link: Link } {
  const log = useRef(new LogStore())
  const [shown, setShown] = useState({ log: log.current, first: 0, end: 0 })
  const show = () => setShown({ log: log.current, first: log.current.first, end: log.current.end })
  const take = useCallback((data: string) => {
    const { text } = JSON.parse(data) as { text: string }
    const lines = text.replace(/\n$/, "").split("\n")
    log.current.add(lines.map((line) => ({ seq: 0, attempt: 0, at_ms: 0, stream: "build", text: line })))
    show()
  }, [])
  const again = useCallback(() => {
    log.current = new LogStore()
    show()
  }, [])
  const link = useEvents(`/v1/deployments/${jobId}/build-log/events`, { on: { build: take, again }, last: "end" })
  return { log: shown.log, extent: shown, link }
}
