"use client"

import { useCallback, useEffect, useState } from "react"

import { useMarket } from "@/hooks/market"
import { useEvents, type Link } from "@/hooks/use-events"
import { ApiError, type Deployment } from "@/lib/api"

const AGAIN_MS = 400

/** One deployment, as it is at each moment; null until the scheduler has read its block. */
export function useDeployment(jobId: string): { deployment: Deployment | null; link: Link; known: boolean } {
  const { api } = useMarket()
  const [deployment, setDeployment] = useState<Deployment | null>(null)
  const [known, setKnown] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    const look = async () => {
      while (!stop.signal.aborted) {
        try {
          const found = await api.get<Deployment>(`/v1/deployments/${jobId}`, stop.signal)
          setDeployment((was) => was ?? found)
          setKnown(true)
          return
        } catch (error) {
          if (!(error instanceof ApiError)) return
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    void look()
    return () => stop.abort()
  }, [api, jobId])
  const take = useCallback((data: string) => setDeployment(JSON.parse(data) as Deployment), [])
  const link = useEvents(known ? `/v1/deployments/${jobId}/events` : null, { on: { deployment: take } })
  return { deployment, link: deployment?.state === "Closed" ? "over" : link, known }
}
