/**
 * The formats of JSON Schema. Each is bounded in length and reads every character a fixed number of
 * times, because texts come from untrusted sources.
 */

const MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const isDate = (text: string): boolean => {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (found === null) return false;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (month === 2 && leap ? 29 : (MONTHS[month - 1] ?? 0));
};

const isTime = (text: string): boolean => {
  const found = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|([+-])(\d\d):(\d\d))$/i.exec(text);
  if (found === null) return false;
  const [hour, minute, second, , zoneHour, zoneMinute] = found
    .slice(1)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  if (hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) return false;
  // A leap second is the last one of a day in UTC.
  const utc = hour * 60 + minute - (found[4] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  return second < 60 || (utc + 2_880) % 1_440 === 1_439;
};

const isDateTime = (text: string): boolean =>
  /^.{10}[t\s]/i.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11));

const isDuration = (text: string): boolean =>
  /^P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)?(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?)$/.test(
    text,
  ) && text !== 'P';

const isHostname = (text: string): boolean =>
  text.length <= 253 &&
  text
    .split('.')
    .every(
      (label) =>
        label.length <= 63 &&
        /^[a-z0-9-]+$/i.test(label) &&
        !label.startsWith('-') &&
        !label.endsWith('-'),
    );

const isIpv4 = (text: string): boolean =>
  text.length <= 15 &&
  /^\d+\.\d+\.\d+\.\d+$/.test(text) &&
  text.split('.').every((part) => Number(part) < 256 && String(Number(part)) === part);

const isIpv6 = (text: string): boolean => {
  if (text.length > 45 || /[^0-9a-f:.]/i.test(text)) return false;
  const halves = text.split('::');
  const groups = (half: string) => (half === '' ? [] : half.split(':'));
  const all = halves.flatMap(groups);
  const last = all.at(-1);
  // The last two groups may be written as an IPv4 address, at the very end.
  const mapped = last?.includes('.') === true && text.endsWith(last);
  if (mapped && !isIpv4(last)) return false;
  const size = all.length + (mapped ? 1 : 0);
  const sound = (mapped ? all.slice(0, -1) : all).every((group) => /^[0-9a-f]{1,4}$/i.test(group));
  return sound && (halves.length === 1 ? size === 8 : halves.length === 2 && size < 8);
};

const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf('@');
  const [name, host] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || name.length > 64) return false;
  const sound = name.startsWith('"')
    ? /^"(?:[ !#-[\]-~]|\\[ -~])*"$/.test(name)
    : /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+$/i.test(name.replaceAll('.', '')) &&
      !/^\.|\.\.|\.$/.test(name);
  if (!sound) return false;
  if (!host.startsWith('[') || !host.endsWith(']')) return isHostname(host);
  const address = host.slice(1, -1);
  return /^ipv6:/i.test(address) ? isIpv6(address.slice(5)) : isIpv4(address);
};

const isUriReference = (text: string): boolean => {
  if (!/^(?:[\w.~!$&'()*+,;=:@/?#[\]-]|%[0-9a-f]{2})*$/i.test(text)) return false;
  const [rest, ...fragments] = text.split('#') as [string, ...string[]];
  if (fragments.length > 1 || /[[\]]/.test(fragments[0] ?? '')) return false;
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(rest)?.[0] ?? '';
  const [path] = rest.slice(scheme.length).split('?', 1) as [string];
  if (/[[\]]/.test(rest.slice(scheme.length + path.length))) return false;
  if (!path.startsWith('//'))
    return !/[[\]]/.test(path) && (scheme !== '' || !path.split('/', 1)[0]?.includes(':'));
  const [authority] = path.slice(2).split('/', 1) as [string];
  if (/[[\]]/.test(path.slice(2 + authority.length))) return false;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (/[@[\]]/.test(authority.slice(0, Math.max(0, authority.length - host.length - 1))))
    return false;
  const literal = /^\[([^\]]*)\](?::\d*)?$/.exec(host);
  return literal === null
    ? /^[^:[\]]*(?::\d*)?$/.test(host)
    : isIpv6(literal[1] as string) ||
        /^v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+$/i.test(literal[1] as string);
};

const isUri = (text: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(text) && isUriReference(text);

const isUriTemplate = (text: string): boolean => {
  const parts = text.split(/[{}]/);
  const expression = (part: string) =>
    /^[+#./;?&=,!@|]?[\w%]+(?:\.[\w%]+)*(?::[1-9]\d{0,3}|\*)?(?:,[\w%]+(?:\.[\w%]+)*(?::[1-9]\d{0,3}|\*)?)*$/.test(
      part,
    );
  const plain = (part: string) =>
    !/[\0- "<>\\^`|\x7f]/.test(part) && !/%(?![0-9a-f]{2})/i.test(part);
  return (
    text.replace(/[^{}]/g, '').replaceAll('{}', '') === '' &&
    parts.every((part, index) => (index % 2 === 1 ? expression(part) : plain(part)))
  );
};

const isUrl = (text: string): boolean => {
  try {
    return !/\s/.test(text) && /^(?:https?|ftp):$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
};

const isJsonPointer = (text: string): boolean =>
  (text === '' || text.startsWith('/')) && !/~(?![01])/.test(text);

const isRelativePointer = (text: string): boolean => {
  const rest = /^(?:0|[1-9]\d*)(.*)$/s.exec(text)?.[1];
  return rest === '#' || (rest !== undefined && isJsonPointer(rest));
};

const isRegex = (text: string): boolean => {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
};

/** Each with the longest text that can match. */
const FORMATS: Readonly<Record<string, readonly [longest: number, is: (text: string) => boolean]>> =
  {
    date: [10, isDate],
    time: [64, isTime],
    'date-time': [80, isDateTime],
    duration: [128, isDuration],
    email: [320, isEmail],
    hostname: [253, isHostname],
    ipv4: [15, isIpv4],
    ipv6: [45, isIpv6],
    uri: [8_192, isUri],
    'uri-reference': [8_192, isUriReference],
    'uri-template': [8_192, isUriTemplate],
    url: [8_192, isUrl],
    uuid: [36, (text) => /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)],
    regex: [1_024, isRegex],
    'json-pointer': [8_192, isJsonPointer],
    'json-pointer-uri-fragment': [
      8_192,
      (text) => text.startsWith('#') && isUriReference(text) && isJsonPointer(text.slice(1)),
    ],
    'relative-json-pointer': [8_192, isRelativePointer],
  };

/** Whether a text has a format. Unknown formats accept every text. */
export function hasFormat(format: string, text: string): boolean {
  const [longest, is] = (Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined) ?? [
    Number.POSITIVE_INFINITY,
    () => true,
  ];
  return text.length <= longest && is(text);
}
