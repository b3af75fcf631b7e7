const list = root.querySelector('ol'), said = document.createElement('p');
const lines = () => [...list.children];
const order = () => lines().map(line => line.dataset.line).join(' ');
const fields = () => [...document.querySelectorAll('.ow-order-field input')]
  .filter(field => field.placeholder === root.dataset.order);
said.setAttribute('role', 'status');
said.textContent = 'Move a line with its buttons, or with Alt and the arrow keys; the arrow keys alone lead from line to line.';
root.append(said);
let moved = false;
const tell = tries => {
  for (const field of fields()) {
    if (field.value === order()) continue;
    field.value = order();
    for (const kind of ['input', 'change'])
      field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  if (!fields().length && tries) setTimeout(tell, 500, tries - 1);
};
const adopt = tries => {
  const [field] = fields(), held = document.activeElement;
  if (moved) return;
  if (field?.value) {
    for (const number of field.value.split(' ')) list.append(lines().find(line => line.dataset.line === number));
    if (list.contains(held)) held.focus();
  } else if (tries) setTimeout(adopt, 500, tries - 1);
};
const move = (line, step) => {
  const other = step < 0 ? line.previousElementSibling : line.nextElementSibling;
  const name = line.querySelector('code').textContent.trim();
  if (other && step < 0) line.after(other);
  if (other && step > 0) line.before(other);
  const at = lines().indexOf(line) + 1;
  said.textContent = other ? `${name} is now line ${at} of ${lines().length}.`
    : `${name} is the ${step < 0 ? 'first' : 'last'} line already.`;
  if (other) { moved = true; tell(20); }
};
for (const line of lines()) {
  const name = line.querySelector('code').textContent.trim();
  line.tabIndex = 0;
  line.dataset.lmSuppressShortcuts = 'true';
  for (const [sign, word, step] of [['↑', 'Move up', -1], ['↓', 'Move down', 1]]) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = sign;
    button.title = word;
    button.setAttribute('aria-label', `${word}: ${name}`);
    button.dataset.lmSuppressShortcuts = 'true';
    button.addEventListener('click', () => move(line, step));
    line.append(button);
  }
  line.addEventListener('keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.altKey) move(line, step);
    else (step < 0 ? line.previousElementSibling : line.nextElementSibling)?.focus();
  });
}
adopt(20);
