// Follows a server that is being opened, and goes on as soon as it can. The Hub's own messages are English and
// not shown.
const { progress, go, after } = document.querySelector("script[src$='opening.js']").dataset;
const AGAIN = 3000;
const SLOW = 45_000;

function again() {
  setTimeout(() => location.reload(), AGAIN);
}

function follow(address) {
  const bar = document.getElementById("progress");
  const stage = document.getElementById("stage");
  const slow = setTimeout(() => {
    stage.textContent = "比平时慢一些，还在打开，请再等一会儿。";
  }, SLOW);
  const events = new EventSource(address);
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.progress > bar.value) bar.value = event.progress;
    if (event.ready || event.failed) {
      clearTimeout(slow);
      events.close();
      // The same address then leads into the opened space, or says what went wrong.
      location.reload();
    } else if (event.progress >= 50) {
      stage.textContent = "正在启动，马上就好。";
    }
  };
  events.onerror = () => {
    events.close();
    again();
  };
}

if (progress) follow(progress);
else if (go) setTimeout(() => location.replace(go), 1000 * Number(after));
else again();
