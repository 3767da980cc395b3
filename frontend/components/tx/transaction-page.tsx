"use client"

import { formatEther, type Hash } from "viem"

import { Args } from "@/components/tx/args"
import { Badge } from "@/components/ui/badge"
import { Card, Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useChainTransaction } from "@/hooks/use-chain-transaction"
import { useRevert } from "@/hooks/use-revert"
import { useContracts } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { at, spaced } from "@/lib/format"
import { callOf, eventOf } from "@/lib/tx"
import { t } from "@/texts/en"

/** One transaction, straight from the chain's node: nobody else is asked. */
export function TransactionPage({ hash }: { hash: Hash }) {
  const found = useChainTransaction(hash)
  return (
    <div className="space-y-5">
      <h1 className="text-2xl font-bold">{t.tx.view}</h1>
      <CopyText text={hash} full />
      {found.isPending && <p className="text-soft">{t.common.loading}</p>}
      {found.error && <Notice tone="bad">{words(found.error)}</Notice>}
      {found.data === null && <Notice>{t.tx.unknown}</Notice>}
      {found.data && <Transaction {...found.data} />}
    </div>
  )
}

type Found = NonNullable<ReturnType<typeof useChainTransaction>["data"]>

function Transaction({ sent, receipt, at: time }: Found) {
  const places = useContracts().data
  const call = places ? callOf(sent.to, sent.input, places) : null
  const revert = useRevert(sent, receipt).data
  const isGood = receipt?.status === "success"
  return (
    <>
      <Card
        title={call ? `${call.contract}.${call.name}` : t.tx.call}
        actions={
          <Badge tone={!receipt ? "warn" : isGood ? "good" : "bad"}>
            {!receipt ? t.tx.pending : isGood ? t.tx.done : t.tx.reverted}
          </Badge>
        }
      >
        <Facts>
          <Fact name={t.tx.from}>
            <CopyText text={sent.from} />
          </Fact>
          <Fact name={t.tx.to}>{sent.to ? <CopyText text={sent.to} /> : t.tx.creation}</Fact>
          {receipt && time !== null && (
            <>
              <Fact name={t.tx.block}>
                {receipt.blockNumber.toString()}, {at(time * 1000)}
              </Fact>
              <Fact name={t.tx.gas}>
                {receipt.gasUsed.toLocaleString("en-GB")} ({formatEther(receipt.gasUsed * receipt.effectiveGasPrice)}{" "}
                ETH)
              </Fact>
            </>
          )}
          {sent.value > 0n && <Fact name={t.tx.value}>{formatEther(sent.value)} ETH</Fact>}
        </Facts>
        {call && call.args.length > 0 && (
          <div className="border-line mt-3 border-t pt-3">
            <Args args={call.args} />
          </div>
        )}
      </Card>
      {revert && (
        <Card title={t.tx.why}>
          <Notice tone="bad">{revert.words}</Notice>
          {revert.told && revert.told.args.length > 0 && (
            <div className="mt-3">
              <Args args={revert.told.args} />
            </div>
          )}
        </Card>
      )}
      {receipt && places && (
        <Card title={t.tx.events}>
          {receipt.logs.length === 0 && <p className="text-soft text-sm">{t.common.none}</p>}
          <ol className="divide-line divide-y">
            {receipt.logs.map((log) => {
              const told = eventOf(log, places)
              return (
                <li key={log.logIndex} className="py-3 first:pt-0 last:pb-0" data-event={told?.name}>
                  <h3 className="mb-1 text-sm font-semibold">
                    {told ? spaced(told.name) : t.tx.foreign}{" "}
                    <span className="text-soft font-normal">{told?.contract}</span>
                  </h3>
                  {told ? (
                    <Args args={told.args} />
                  ) : (
                    <Facts>
                      <Fact name={t.tx.to}>
                        <CopyText text={log.address} />
                      </Fact>
                    </Facts>
                  )}
                </li>
              )
            })}
          </ol>
        </Card>
      )}
    </>
  )
}
