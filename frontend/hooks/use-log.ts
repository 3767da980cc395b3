"use client"

import { useCallback, useEffect, useRef, useState } from "react"

import { useEvents, type Link } from "@/hooks/use-events"
import { LogSearch } from "@/lib/log/search"
import { LogStore, type LogLine } from "@/lib/log/store"

const DRAW_MS = 50 // lines that come together are drawn together
const FLOOD = 2000 // lines between two draws; so many are drawn less often
const FLOOD_MS = 200
const SEARCH_MS = 6 // of each frame's sixteen
const AGAIN_MS = 4

/** What is drawn of a log: the numbers of its lines from `first` to `end`. */
export interface Extent {
  first: number
  end: number
}

/** A log, line by line, from its beginning; a lost connection goes on where it broke off. */
export function useLog(jobId: string): { log: LogStore; extent: Extent; link: Link } {
  const [log] = useState(() => new LogStore())
  const [extent, setExtent] = useState<Extent>({ first: 0, end: 0 })
  const waiting = useRef<LogLine[]>([])
  useEffect(() => {
    let drawnAt = 0
    const timer = window.setInterval(() => {
      const { length } = waiting.current
      if (length === 0 || (length > FLOOD && performance.now() - drawnAt < FLOOD_MS)) return
      drawnAt = performance.now()
      log.add(waiting.current)
      waiting.current = []
      setExtent({ first: log.first, end: log.end })
    }, DRAW_MS)
    return () => window.clearInterval(timer)
  }, [log])
  const take = useCallback((data: string) => waiting.current.push(JSON.parse(data) as LogLine), [])
  const link = useEvents(`/v1/deployments/${jobId}/logs?follow=true`, { on: { log: take }, last: "end" })
  return { log, extent, link }
}

/** The numbers of the lines that hold a text, found bit by bit; null when nothing is looked for. */
export function useLogSearch(log: LogStore, extent: Extent, wanted: string): { found: number[]; busy: boolean } | null {
  const search = useRef<{ of: string; at: LogSearch } | null>(null)
  const [seen, setSeen] = useState({ of: "", count: 0, busy: false })
  useEffect(() => {
    if (!wanted) return
    if (search.current?.of !== wanted) search.current = { of: wanted, at: new LogSearch(log, wanted) }
    const { at } = search.current
    let timer = 0
    const look = () => {
      const busy = at.go(SEARCH_MS)
      setSeen({ of: wanted, count: at.found.length, busy })
      if (busy) timer = window.setTimeout(look, AGAIN_MS)
    }
    look()
    return () => window.clearTimeout(timer)
  }, [log, extent, wanted])
  if (!wanted) return null
  if (seen.of !== wanted) return { found: [], busy: true }
  return { found: search.current?.at.found ?? [], busy: seen.busy }
}
