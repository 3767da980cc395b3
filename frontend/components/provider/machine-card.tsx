"use client"

import type { Address } from "viem"

import { Badge } from "@/components/ui/badge"
import { Card, Fact, Facts } from "@/components/ui/card"
import { Notice } from "@/components/ui/notice"
import { useMachine } from "@/hooks/use-provider"
import { useNow } from "@/hooks/use-now"
import type { Agent } from "@/lib/api"
import { words } from "@/lib/errors"
import { ago, cpus, mib } from "@/lib/format"
import { t } from "@/texts/en"

/** The machine behind an address, as its agent tells of it. */
export function MachineCard({ address }: { address: Address }) {
  const machine = useMachine(address)
  return (
    <Card title={t.provider.machine} actions={machine.data && <Standing agent={machine.data} />}>
      {machine.error && (
        <Notice tone="bad">
          {words(machine.error)} {machine.data && t.common.stale}
        </Notice>
      )}
      {machine.data === null && <Notice>{t.provider.noMachine}</Notice>}
      {machine.data && <MachineFacts agent={machine.data} />}
    </Card>
  )
}

function Standing({ agent }: { agent: Agent }) {
  if (!agent.live) return <Badge tone="bad">{t.market.gone}</Badge>
  return agent.draining ? (
    <Badge tone="warn">{t.market.draining}</Badge>
  ) : (
    <Badge tone="good">{t.provider.takesJobs}</Badge>
  )
}

function MachineFacts({ agent }: { agent: Agent }) {
  const now = useNow()
  const { capacity, free } = agent
  return (
    <Facts>
      <Fact name={t.market.cpus}>
        {t.provider.freeOf(cpus(free.cpu_millis), cpus(capacity.cpu_millis))} (
        {t.provider.busy(Math.round(agent.cpu_percent))})
      </Fact>
      <Fact name={t.provider.memory}>
        {t.provider.freeOf(mib(free.memory_mib), mib(capacity.memory_mib))} (
        {t.provider.used(mib(agent.memory_used_mib))})
      </Fact>
      <Fact name={t.provider.disk}>{mib(agent.disk_free_mib)}</Fact>
      {agent.gpus > 0 && <Fact name="GPU">{t.provider.freeOf(String(agent.gpus_free), String(agent.gpus))}</Fact>}
      <Fact name={t.market.columns.running}>{agent.running}</Fact>
      <Fact name={t.market.columns.runtimes}>{agent.runtimes.join(", ")}</Fact>
      <Fact name={t.market.columns.seen}>{now ? ago(agent.last_seen_ms, now) : ""}</Fact>
      {Object.entries(agent.attributes).map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
    </Facts>
  )
}
