/* What the viewer fetches from its own server, kept in this page's memory and nowhere else. */

const MOST = 24;
const contents = new Map();

/** Content of an address of our server. */
export function fetched(url) {
  if (contents.has(url)) {
    const found = contents.get(url);
    contents.delete(url); // the last asked for is the last to go
    contents.set(url, found);
    return found;
  }
  // the browser must not write a film to its disk
  const found = fetch(new URL(url, document.baseURI), { cache: "no-store" }).then((answer) => {
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    return answer.arrayBuffer();
  });
  found.catch(() => contents.delete(url));
  contents.set(url, found);
  for (const old of contents.keys()) {
    if (contents.size <= MOST) break;
    contents.delete(old);
  }
  return found;
}

/** Content that was packed by zlib. */
export async function inflated(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
