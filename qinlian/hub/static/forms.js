// What the sign-in pages and the error page do with a script; all of them work without it.
for (const eye of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(eye.dataset.shows);
  eye.hidden = false;
  eye.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    eye.setAttribute("aria-pressed", String(shown));
    eye.textContent = shown ? "隐藏" : "显示";
  });
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button:not([type])");
  const label = button.textContent;
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = form.dataset.busy;
  });
  // Back to this page from the browser's memory: the form must work again.
  addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = label;
  });
}

// Said before the form goes away, so that a one-time code need not be typed twice.
const fresh = document.querySelector("input#password[autocomplete='new-password']");
if (fresh) {
  const again = document.getElementById("again");
  const look = () => {
    fresh.setCustomValidity([...fresh.value].length < 10 ? "密码至少要 10 个字符" : "");
    again.setCustomValidity(again.value === fresh.value ? "" : "两次输入的密码不一样");
  };
  for (const field of [fresh, again]) field.addEventListener("input", look);
}

// Times are told in the zone of whoever reads them.
const two = (number) => String(number).padStart(2, "0");
for (const time of document.querySelectorAll("time")) {
  const moment = "now" in time.dataset ? new Date() : new Date(time.dateTime);
  const clock = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  time.textContent = "now" in time.dataset ? `${moment.getMonth() + 1}月${moment.getDate()}日 ${clock}` : clock;
  time.closest("[data-clock]").hidden = false;
}

const unsafe = document.getElementById("unsafe");
if (unsafe) unsafe.hidden = isSecureContext;
