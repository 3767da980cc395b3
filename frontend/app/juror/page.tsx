import { JurorPage } from "@/components/juror/juror-page"
import { t } from "@/texts/en"

export const metadata = { title: t.juror.title }

export default function Page() {
  return <JurorPage />
}
