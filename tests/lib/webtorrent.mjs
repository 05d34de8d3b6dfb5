// Unmodified webtorrent in a process of its own:
//   webtorrent.mjs seed ANNOUNCE TEXT   offers the text as a file, writes its magnet link, and goes on until it is ended
//   webtorrent.mjs load MAGNET          writes the file's text as soon as all of it has come from another, and by what
// Only WebRTC joins it to others: everything else by which it finds or reaches them is off.
import WebTorrent from 'webtorrent';

const [what, where, text] = process.argv.slice(2);
const client = new WebTorrent({
  dht: false, lsd: false, utPex: false, utp: false, natUpnp: false, natPmp: false, tracker: { rtcConfig: { iceServers: [] } },
});
if (what === 'seed') {
  client.seed(Object.assign(Buffer.from(text), { name: 'file.txt' }), { announce: [where] }, ({ magnetURI }) => console.log(magnetURI));
} else {
  const torrent = client.add(where);
  const kinds = new Set();
  torrent.on('wire', ({ type }) => kinds.add(type));
  torrent.on('done', async () => {
    console.log(JSON.stringify([...kinds, new TextDecoder().decode(await torrent.files[0].arrayBuffer())]));
    process.exit();
  });
}
