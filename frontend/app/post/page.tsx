import { PostJob } from "@/components/post/post-job"
import { t } from "@/texts/en"

export const metadata = { title: t.post.title }

export default function Page() {
  return <PostJob />
}
