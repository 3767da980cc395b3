"use client"

import { useQueryClient } from "@tanstack/react-query"
import { useMemo, useState } from "react"
import { useConnect, useConnection, useConnectors, useDisconnect, type Connector } from "wagmi"

import { Button } from "@/components/ui/button"
import { CopyText } from "@/components/ui/copy-text"
import { Dialog } from "@/components/ui/dialog"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import { useBalances, useWallet } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { short } from "@/lib/format"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

const FIRST = "io.metamask"

/** The wallet in the header: connect, see what is there, leave. */
export function Connect() {
  const { address } = useWallet()
  const { status } = useConnection()
  const [open, setOpen] = useState(false)
  const label = address ? short(address) : status === "reconnecting" ? t.common.connecting : t.wallet.connect
  return (
    <>
      <Button kind={address ? "plain" : "main"} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Dialog title={address ? t.wallet.connected : t.wallet.choose} open={open} onClose={() => setOpen(false)}>
        {address ? <Account onDone={() => setOpen(false)} /> : <Picker onDone={() => setOpen(false)} />}
      </Dialog>
    </>
  )
}

/** Every wallet that this browser announces by EIP-6963, MetaMask first. */
function Picker({ onDone }: { onDone: () => void }) {
  const connectors = useConnectors()
  const { config } = useMarket()
  const { mutateAsync, isPending } = useConnect()
  const [fault, setFault] = useState("")
  const sorted = useMemo(
    () =>
      [...connectors].sort((a, b) => Number(b.id === FIRST) - Number(a.id === FIRST) || a.name.localeCompare(b.name)),
    [connectors],
  )
  const connect = async (connector: Connector) => {
    setFault("")
    try {
      await mutateAsync({ connector, chainId: config.chainId })
      onDone()
    } catch (error) {
      setFault(words(error))
    }
  }
  if (sorted.length === 0) return <Notice tone="warn">{t.wallet.noneFound}</Notice>
  return (
    <div className="space-y-3">
      <ul className="space-y-2">
        {sorted.map((connector) => (
          <li key={connector.uid}>
            <Button
              className="flex w-full items-center gap-3 text-left"
              disabled={isPending}
              onClick={() => void connect(connector)}
            >
              {connector.icon?.startsWith("data:image/") && (
                // eslint-disable-next-line @next/next/no-img-element -- a data: URL, of which nothing can be made smaller
                <img src={connector.icon} alt="" width={24} height={24} />
              )}
              {connector.name}
            </Button>
          </li>
        ))}
      </ul>
      {fault && <Notice tone="bad">{fault}</Notice>}
    </div>
  )
}

function Account({ onDone }: { onDone: () => void }) {
  const { address } = useWallet()
  const balances = useBalances(address).data
  const { api } = useMarket()
  const queries = useQueryClient()
  const { mutate: leave } = useDisconnect()
  if (!address) return null
  return (
    <div className="space-y-4">
      <CopyText text={address} full />
      <p className="text-sm">
        {t.wallet.balance}:{" "}
        <span data-fact="balance">
          {balances
            ? `${tokens(balances.tokens)} ${t.common.tokens}, ${tokens(balances.coins, 4)} ETH`
            : t.common.loading}
        </span>
      </p>
      <Button
        onClick={() => {
          leave({})
          api.remove("/v1/session").catch(() => undefined) // there may be none
          queries.removeQueries({ queryKey: ["session"] })
          onDone()
        }}
      >
        {t.wallet.disconnect}
      </Button>
    </div>
  )
}
