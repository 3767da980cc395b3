"use client"

import { useQuery } from "@tanstack/react-query"
import { useCallback, useState } from "react"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { useEvents, type Link } from "@/hooks/use-events"
import { ApiError, type Deployment } from "@/lib/api"

/** One deployment, as it is at each moment; null until the scheduler has read its block. */
export function useDeployment(jobId: string): { deployment: Deployment | null; link: Link } {
  const { api } = useMarket()
  const [told, setTold] = useState<Deployment | null>(null)
  const first = useQuery({
    queryKey: ["deployment", jobId],
    ...useFollowing<Deployment | null>("head", { isFinal: (known) => known != null }),
    queryFn: async ({ signal }) => {
      try {
        return await api.get<Deployment>(`/v1/deployments/${jobId}`, signal)
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null
        throw error
      }
    },
  })
  const take = useCallback((data: string) => setTold(JSON.parse(data) as Deployment), [])
  const deployment = told ?? first.data ?? null
  const isOver = deployment?.state === "Closed" // the stream ends with it
  const follows = deployment !== null && !isOver
  const link = useEvents(follows ? `/v1/deployments/${jobId}/events` : null, { on: { deployment: take } })
  return { deployment, link: isOver ? "over" : link }
}
