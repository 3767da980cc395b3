// Between the page and the worker: passes messages on, both ways, unread.
import { WindowPostMessageStream } from "@metamask/post-message-stream"
import { ExtensionPortStream } from "extension-port-stream"
import { pipeline } from "readable-stream"

import { CONTENT, PAGE, PORT } from "./names.js"

const page = new WindowPostMessageStream({ name: CONTENT, target: PAGE })
const worker = new ExtensionPortStream(chrome.runtime.connect({ name: PORT }))
pipeline(page, worker, page, () => undefined) // ends with the page
