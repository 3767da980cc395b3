"use client"

import { useCallback, useEffect, useRef, useState } from "react"

import { useEvents, type Link } from "@/hooks/use-events"
import { Series, type Moment, type UsagePoint } from "@/lib/series"

const DRAW_MS = 250

/** What a deployment uses and costs, by the second: its history first, then as it comes. */
export function useUsage(jobId: string): { moments: Moment[]; link: Link } {
  const series = useRef(new Series())
  const isNew = useRef(false)
  const [moments, setMoments] = useState<Moment[]>([])
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!isNew.current) return
      isNew.current = false
      setMoments(series.current.moments())
    }, DRAW_MS)
    return () => window.clearInterval(timer)
  }, [])
  const take = useCallback((data: string) => {
    series.current.add(JSON.parse(data) as UsagePoint)
    isNew.current = true
  }, [])
  const link = useEvents(`/v1/deployments/${jobId}/usage/events`, { on: { usage: take }, last: "end" })
  return { moments, link }
}
