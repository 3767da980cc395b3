"use client"

import { useCallback, useEffect, useRef, useState } from "react"

import { useEvents, type Link } from "@/hooks/use-events"

export interface LogLine {
  seq: number
  attempt: number
  at_ms: number
  stream: string
  text: string
}

const DRAW_MS = 50 // lines that come together are drawn together
const MOST = 200_000

/** A log, line by line, from its beginning; a lost connection goes on where it broke off. */
export function useLog(jobId: string, paused: boolean): { lines: LogLine[]; link: Link } {
  const [lines, setLines] = useState<LogLine[]>([])
  const waiting = useRef<LogLine[]>([])
  useEffect(() => {
    if (paused) return
    const timer = window.setInterval(() => {
      if (waiting.current.length === 0) return
      const more = waiting.current
      waiting.current = []
      setLines((was) => (was.length + more.length > MOST ? [...was, ...more].slice(-MOST) : [...was, ...more]))
    }, DRAW_MS)
    return () => window.clearInterval(timer)
  }, [paused])
  const take = useCallback((data: string) => waiting.current.push(JSON.parse(data) as LogLine), [])
  const link = useEvents(`/v1/deployments/${jobId}/logs?follow=true`, { on: { log: take }, last: "end" })
  return { lines, link }
}
