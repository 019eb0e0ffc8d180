// The dialog in which somebody who met an error says what happened. Called with the options of the address, as data:
// nothing of them is ever read as markup or script. It lives in a shadow root, so the page's styles and its own keep apart,
// and uses no inline style, so it works under a strict content policy.
(function (options) {
  'use strict';
  var words = {
    en: ['Something went wrong', 'The error has been reported to the people who run this site.',
      'If you like, tell them what happened.', 'Name', 'Email', 'What happened?', 'Close', 'Send',
      'It could not be sent. Try again in a moment.', 'Some fields need another look.', 'Thank you. It is on its way.'],
    de: ['Etwas ist schiefgegangen', 'Der Fehler wurde den Betreibern dieser Seite gemeldet.',
      'Wenn Sie mögen, schreiben Sie ihnen, was passiert ist.', 'Name', 'E-Mail', 'Was ist passiert?', 'Schließen', 'Senden',
      'Das konnte nicht gesendet werden. Versuchen Sie es gleich noch einmal.', 'Einige Felder stimmen noch nicht.',
      'Danke. Es ist unterwegs.'],
    fr: ['Quelque chose n’a pas marché', 'L’erreur a été signalée aux responsables de ce site.',
      'Si vous voulez, dites-leur ce qui s’est passé.', 'Nom', 'E-mail', 'Que s’est-il passé ?', 'Fermer', 'Envoyer',
      'L’envoi a échoué. Réessayez dans un instant.', 'Certains champs sont à revoir.', 'Merci. C’est parti.'],
    es: ['Algo ha fallado', 'El error se ha comunicado a los responsables de este sitio.',
      'Si quiere, cuénteles qué ha pasado.', 'Nombre', 'Correo', '¿Qué ha pasado?', 'Cerrar', 'Enviar',
      'No se ha podido enviar. Inténtelo de nuevo en un momento.', 'Revise algunos campos.', 'Gracias. Ya está en camino.']
  };
  var names = ['title', 'subtitle', 'subtitle2', 'labelName', 'labelEmail', 'labelComments', 'labelClose', 'labelSubmit',
    'errorGeneric', 'errorFormEntry', 'successMessage'];
  var lang = String(options.lang || 'en').toLowerCase().split('-')[0];
  if (!words[lang]) lang = 'en';
  function say(name) { return options[name] || words[lang][names.indexOf(name)]; }

  var css = ':host{all:initial}' +
    'dialog{box-sizing:border-box;width:min(30rem,calc(100vw - 2rem));max-height:calc(100vh - 2rem);overflow:auto;padding:1.5rem;' +
    'border:1px solid #8a8577;border-radius:6px;background:#fffdf8;color:#1d1b16;font:16px/1.5 system-ui,sans-serif;color-scheme:light dark}' +
    'dialog:not(:modal){position:fixed;inset:2rem 0 auto;margin:auto;z-index:2147483647}' +
    'dialog::backdrop{background:rgb(0 0 0/.5)}' +
    'h2{margin:0 0 .5rem;font-size:1.25rem;line-height:1.3}p{margin:0 0 .75rem}' +
    'label{display:block;margin-bottom:.75rem;font-weight:600}' +
    'input,textarea{display:block;box-sizing:border-box;width:100%;min-height:2.75rem;margin-top:.25rem;padding:.5rem;border:1px solid #8a8577;' +
    'border-radius:4px;background:#fff;color:inherit;font:inherit}textarea{min-height:7rem;resize:vertical}' +
    '[aria-invalid=true]{border-color:#b3261e;border-width:2px}small{display:block;font-weight:400;color:#b3261e}' +
    ':focus-visible{outline:3px solid #a06a00;outline-offset:2px}' +
    'div{display:flex;flex-wrap:wrap;gap:.5rem;justify-content:end}' +
    'button{min-height:2.75rem;padding:0 1rem;border:1px solid #1d1b16;border-radius:4px;background:none;color:inherit;font:inherit;cursor:pointer}' +
    'button[type=submit]{background:#1d1b16;color:#fffdf8}button:disabled{opacity:.6;cursor:progress}[role=alert]:empty{display:none}' +
    '[role=alert]{color:#b3261e}' +
    '@media(prefers-color-scheme:dark){dialog{background:#1d1b16;color:#f4efe2}input,textarea{background:#12110d}' +
    'button{border-color:#f4efe2}button[type=submit]{background:#f4efe2;color:#1d1b16}small,[role=alert]{color:#ff9d92}' +
    '[aria-invalid=true]{border-color:#ff9d92}}';

  function element(name, text, attributes) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    for (var key in attributes || {}) made.setAttribute(key, attributes[key]);
    return made;
  }
  function open() {
    var before = document.activeElement;
    var host = element('div', '', { 'data-bugle': 'feedback' });
    var root = host.attachShadow({ mode: 'open' });
    try {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
    } catch (_) {
      root.appendChild(element('style', css));
    }
    var dialog = element('dialog', '', { 'aria-labelledby': 'title', 'aria-describedby': 'about', lang: lang });
    var form = element('form', '', { novalidate: '' });
    var about = element('p', say('subtitle') + ' ' + say('subtitle2'), { id: 'about' });
    form.appendChild(element('h2', say('title'), { id: 'title' }));
    form.appendChild(about);
    var trouble = element('p', '', { role: 'alert' });
    form.appendChild(trouble);
    var fields = {};
    [['name', 'labelName', 'input', { maxlength: 128, autocomplete: 'name' }],
      ['email', 'labelEmail', 'input', { type: 'email', maxlength: 75, autocomplete: 'email' }],
      ['comments', 'labelComments', 'textarea', { required: '', maxlength: 8000 }]].forEach(function (one) {
      var label = element('label', say(one[1]));
      var field = element(one[2], '', one[3]);
      field.name = one[0];
      field.value = options[one[0]] || '';
      var note = element('small', '', { id: 'note-' + one[0] });
      field.setAttribute('aria-describedby', note.id);
      label.appendChild(field);
      label.appendChild(note);
      form.appendChild(label);
      fields[one[0]] = { field: field, note: note };
    });
    var acts = element('div');
    var leave = element('button', say('labelClose'), { type: 'button' });
    var send = element('button', say('labelSubmit'), { type: 'submit' });
    acts.appendChild(leave);
    acts.appendChild(send);
    form.appendChild(acts);
    dialog.appendChild(form);
    root.appendChild(dialog);
    document.body.appendChild(host);

    function gone() {
      if (!host.parentNode) return;
      host.parentNode.removeChild(host);
      if (before && before.focus) before.focus();
      // What SDKs wait for before they call onClose.
      window.postMessage('__sentry_reportdialog_closed__', '*');
    }
    function mark(errors) {
      var first = null;
      for (var name in fields) {
        var said = (errors[name] || []).join(' ');
        fields[name].note.textContent = said;
        fields[name].field.setAttribute('aria-invalid', said ? 'true' : 'false');
        if (said && !first) first = fields[name].field;
      }
      if (first) first.focus();
    }
    function failed(text) {
      trouble.textContent = text;
      send.disabled = false;
    }
    function thank() {
      form.textContent = '';
      form.appendChild(element('p', say('successMessage'), { role: 'status', id: 'title' }));
      var end = element('div');
      end.appendChild(leave);
      form.appendChild(end);
      leave.focus();
    }
    leave.addEventListener('click', function () { dialog.close ? dialog.close() : gone(); });
    dialog.addEventListener('close', gone);
    dialog.addEventListener('keydown', function (event) {
      // The page's own keys must not act on what is typed here.
      event.stopPropagation();
      if (event.key === 'Escape' && !dialog.showModal) gone();
    });
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      send.disabled = true;
      trouble.textContent = '';
      mark({});
      var body = new URLSearchParams();
      for (var name in fields) body.append(name, fields[name].field.value);
      fetch(options.endpoint, { method: 'POST', body: body, credentials: 'omit' }).then(function (answer) {
        if (answer.ok) return thank();
        if (answer.status !== 400) return failed(say('errorGeneric'));
        return answer.json().then(function (json) {
          failed(say('errorFormEntry'));
          mark(json.errors || {});
        });
      }).catch(function () { failed(say('errorGeneric')); });
    });
    if (dialog.showModal) dialog.showModal(); else dialog.setAttribute('open', '');
    (options.name ? (options.email ? fields.comments : fields.email) : fields.name).field.focus();
  }
  if (document.body) open(); else document.addEventListener('DOMContentLoaded', open);
})
