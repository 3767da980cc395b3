"use client"

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { createSiweMessage } from "viem/siwe"
import { useSignMessage } from "wagmi"

import { useMarket } from "@/hooks/market"
import { useWallet } from "@/hooks/use-wallet"
import { ApiError, type Schemas } from "@/lib/api"

const LASTS_MS = 5 * 60_000 // of the message; the session itself lasts as long as the scheduler says

/** The session with the scheduler: EIP-4361, and a cookie that no script can read. */
export function useSession() {
  const { api, config } = useMarket()
  const { address } = useWallet()
  const queries = useQueryClient()
  const { mutateAsync: sign } = useSignMessage()
  const key = ["session", address]
  const session = useQuery({
    queryKey: key,
    enabled: address !== undefined,
    staleTime: 30_000,
    queryFn: async () => {
      try {
        return await api.get<Schemas["SessionBody"]>("/v1/session")
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null
        throw error
      }
    },
  })
  const signIn = useMutation({
    mutationFn: async () => {
      if (!address) throw new Error("Connect a wallet first.")
      const asked = await api.post<Schemas["SessionNonce"]>("/v1/session/nonce", {})
      const message = createSiweMessage({
        address,
        chainId: config.chainId,
        domain: window.location.host,
        uri: window.location.origin,
        nonce: asked.nonce,
        statement: asked.statement,
        version: "1",
        issuedAt: new Date(),
        expirationTime: new Date(Date.now() + LASTS_MS),
      })
      const signature = await sign({ message })
      await api.post("/v1/session", { message, signature })
      await queries.invalidateQueries({ queryKey: key })
    },
  })
  const mine =
    session.data != null && address !== undefined && session.data.address.toLowerCase() === address.toLowerCase()
  return { isSignedIn: mine, isKnown: !session.isPending, signIn }
}
