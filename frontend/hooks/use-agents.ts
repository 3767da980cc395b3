"use client"

import { useQuery } from "@tanstack/react-query"

import { useMarket } from "@/hooks/market"
import { everyItem, type Agent } from "@/lib/api"

const MOST = 5000

/** Every provider's agent, looked at again every few seconds. */
export function useAgents() {
  const { api } = useMarket()
  return useQuery({
    queryKey: ["agents"],
    refetchInterval: 5000,
    queryFn: ({ signal }) => everyItem<Agent>(api, "/v1/agents", MOST, signal),
  })
}
