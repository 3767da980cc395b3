import { Deployments } from "@/components/deployment/deployments"
import { t } from "@/texts/en"

export const metadata = { title: t.deployments.title }

export default function Page() {
  return <Deployments />
}
