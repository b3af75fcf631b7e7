const tell = (choice, tries) => {
  const fields = [...document.querySelectorAll('.ow-choice input')]
    .filter(field => field.placeholder === root.dataset.asks);
  for (const field of fields) {
    field.value = choice;
    for (const kind of ['input', 'change'])
      field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  if (!fields.length && tries) setTimeout(tell, 500, choice, tries - 1);
};
root.addEventListener('toggle', event => {
  if (event.target.open) tell([...root.querySelectorAll('details')].indexOf(event.target), 20);
}, true);
