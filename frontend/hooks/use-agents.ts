"use client"

import { useQuery } from "@tanstack/react-query"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { everyItem, type Agent } from "@/lib/api"

const MOST = 5000
const GAP_MS = 500

/** Every provider's agent. */
export function useAgents() {
  const { api } = useMarket()
  return useQuery({
    queryKey: ["agents"],
    ...useFollowing<Agent[]>("agents", { gapMs: GAP_MS }),
    queryFn: ({ signal }) => everyItem<Agent>(api, "/v1/agents", MOST, signal),
  })
}
