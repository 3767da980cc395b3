"use client"

import { useCallback, useEffect, useState } from "react"

import { useMarket } from "@/hooks/market"
import { useEvents, type Link } from "@/hooks/use-events"
import { ApiError, type Deployment } from "@/lib/api"

const AGAIN_MS = 400
const SELDOM_MS = 5000

/** One deployment, as it is at each moment; null until the scheduler has read its block. */
export function useDeployment(jobId: string): { deployment: Deployment | null; link: Link; known: boolean } {
  const { api } = useMarket()
  const [deployment, setDeployment] = useState<Deployment | null>(null)
  const [known, setKnown] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    const look = async () => {
      for (let wait = AGAIN_MS; !stop.signal.aborted; wait = Math.min(SELDOM_MS, wait * 1.2)) {
        try {
          const found = await api.get<Deployment>(`/v1/deployments/${jobId}`, stop.signal)
          setDeployment((was) => was ?? found)
          setKnown(true)
          return
        } catch (error) {
          if (!(error instanceof ApiError)) return
        }
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
    void look()
    return () => stop.abort()
  }, [api, jobId])
  const take = useCallback((data: string) => setDeployment(JSON.parse(data) as Deployment), [])
  const isOver = deployment?.state === "Closed" // the stream ends with it
  const link = useEvents(known && !isOver ? `/v1/deployments/${jobId}/events` : null, { on: { deployment: take } })
  return { deployment, link: isOver ? "over" : link, known }
}
