"use client"

import dynamic from "next/dynamic"
import { useSearchParams } from "next/navigation"

import { Actions } from "@/components/deployment/actions"
import { Overview } from "@/components/deployment/overview"
import { Steps, Timeline } from "@/components/deployment/timeline"
import { TxLink } from "@/components/tx-link"
import { Badge } from "@/components/ui/badge"
import { Card } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { StateOf } from "@/components/ui/state-of"
import { Tabs } from "@/components/ui/tabs"
import { SignedIn } from "@/components/wallet/sign-in"
import { useDeployment } from "@/hooks/use-deployment"
import type { Deployment } from "@/lib/api"
import { disputesOf } from "@/lib/dispute"
import { standing, toneOf } from "@/lib/job-state"
import { t } from "@/texts/en"

// What a first look does not show is loaded when it is looked at.
const BuildView = dynamic(() => import("@/components/deployment/build-view").then((found) => found.BuildView))
const Disputes = dynamic(() => import("@/components/deployment/disputes").then((found) => found.Disputes))
const Charts = dynamic(() => import("@/components/deployment/charts").then((found) => found.Charts))
const LogView = dynamic(() => import("@/components/deployment/log-view").then((found) => found.LogView))
const Results = dynamic(() => import("@/components/deployment/results").then((found) => found.Results))
const TABS = Object.keys(t.deployment.tabs) as Tab[]
type Tab = keyof typeof t.deployment.tabs

export function DeploymentPage({ jobId }: { jobId: `0x${string}` }) {
  const sent = useSearchParams().get("tx")
  const { deployment, link } = useDeployment(jobId)
  if (!deployment) return <NotYet jobId={jobId} sent={sent} />
  return (
    <div className="space-y-5">
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="text-2xl font-bold break-all">{deployment.name || t.deployment.title}</h1>
        <Badge tone={toneOf(deployment)}>{standing(deployment)}</Badge>
        <StateOf link={link} />
      </div>
      <CopyText text={jobId} />
      <Reasons deployment={deployment} />
      <Actions deployment={deployment} />
      {disputesOf(deployment).length > 0 && <Disputes deployment={deployment} />}
      <Views deployment={deployment} />
    </div>
  )
}

function NotYet({ jobId, sent }: { jobId: string; sent: string | null }) {
  const isHash = sent !== null && /^0x[0-9a-f]{64}$/.test(sent)
  return (
    <div className="space-y-3">
      <h1 className="text-2xl font-bold">{t.deployment.title}</h1>
      <CopyText text={jobId} />
      <Notice>
        {t.deployment.notYet} {isHash && <TxLink hash={sent} />}
      </Notice>
      {!isHash && <p className="text-soft text-sm">{t.deployment.notYetLong}</p>}
    </div>
  )
}

/** Why it waits, failed or ended, and what holds it up. */
function Reasons({ deployment }: { deployment: Deployment }) {
  const held = Object.entries(deployment.degraded)
  return (
    <>
      {deployment.why && (
        <Notice tone={toneOf(deployment) === "bad" ? "bad" : "calm"}>
          {t.deployment.why}: <span data-fact="why">{deployment.why}</span>
        </Notice>
      )}
      {held.length > 0 && (
        <Notice tone="warn">
          {t.deployment.degraded} {held.map(([what, why]) => `${what}: ${why}`).join("; ")}
        </Notice>
      )}
    </>
  )
}

/** The tabs; which of them is open stands in the address, so that a reload or a link leads there. */
function Views({ deployment }: { deployment: Deployment }) {
  const asked = useSearchParams().get("tab") ?? ""
  const open = TABS.find((one) => one === asked) ?? "overview"
  const turn = (tab: Tab) => window.history.replaceState(null, "", tab === "overview" ? "?" : `?tab=${tab}`)
  return (
    <Tabs label={t.deployment.title} names={t.deployment.tabs} open={open} onOpen={turn}>
      <View tab={open} deployment={deployment} />
    </Tabs>
  )
}

function View({ tab, deployment }: { tab: Tab; deployment: Deployment }) {
  const jobId = deployment.job_id
  const forParties = (view: React.ReactNode) => (deployment.logs_public ? view : <SignedIn>{view}</SignedIn>)
  switch (tab) {
    case "logs":
      return forParties(<LogView jobId={jobId} />)
    case "build":
      return forParties(<BuildView jobId={jobId} />)
    case "charts":
      return <Charts jobId={jobId} />
    case "results":
      return <Results deployment={deployment} />
    case "overview":
      return (
        <div className="grid gap-5 lg:grid-cols-2">
          <div className="min-w-0">
            <Overview deployment={deployment} />
          </div>
          <div className="min-w-0 space-y-5">
            <Card title={t.steps.title}>
              <Steps deployment={deployment} />
            </Card>
            <Card title={t.deployment.timeline}>
              <Timeline deployment={deployment} />
            </Card>
          </div>
        </div>
      )
  }
}
