import found from "../../tests/vectors/pages.json"

/** What the Python side computes, held equal to it by `tests/integration/chain/test_pages_vectors.py`. */
export const vectors: typeof found = found
