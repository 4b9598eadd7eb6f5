import { randomInt } from "node:crypto";
import { EngineError } from "#base/errors.ts";

const form = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** A name without the slash that Docker's clients may put before it. @throws invalidArgument with Docker's text */
export function parseContainerName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (form.test(name)) return name;
  throw new EngineError(
    "invalidArgument",
    `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
}

/** A name for a container without one, `calm_tereshkova`; after a few attempts with a number at its end. */
export function randomContainerName(attempt: number): string {
  const name = `${pick(adjectives)}_${pick(surnames)}`;
  return attempt < 3 ? name : `${name}${randomInt(10_000)}`;
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? "";
}

const adjectives = (
  "able agile amber ample apt ardent astute balmy bold brave breezy bright brisk calm candid careful cheery civil " +
  "clever cosy crisp curious daring deft deep eager early earnest easy even fair famous fearless fine firm fleet " +
  "fluent fond frank fresh frugal gallant gentle giving glad golden good grand handy hardy hearty honest humble " +
  "jolly keen kind lasting lean level light lively loyal lucid lucky mellow merry mild modest neat nimble noble " +
  "open orderly patient plain placid pleasant plucky polite prompt proper proud quick quiet rapid ready robust " +
  "rosy rustic safe sage sharp silent silver smart smooth snug sober solid sound spry stable stately steady stout " +
  "strong sturdy subtle sunny sure swift tactful tender thrifty tidy trim true trusty upbeat useful valiant vivid " +
  "warm watchful wise witty zesty"
).split(" ");

/** Seafarers, navigators, pilots, bridge and ship builders, and people of science. */
const surnames = (
  "amundsen aryabhata bairstow barton bechtler bering bessel bouguer bowditch brahe brunel cabot cartan chanute " +
  "coleman cook curie davis delambre dias earhart eads eiffel ellet ericsson euler faraday fibonacci franklin " +
  "fulton galois gauss germain gilbert goddard hadley halley hanno harrison hawking herschel hertz hipparchus hooke " +
  "hopper hypatia jansen johnson joule kepler kovalevskaya lagrange lalande lavoisier leavitt lovelace magellan " +
  "maury maxwell mead meitner mercator messier mitchell nansen nightingale noether nunes ohm papin pascal peary " +
  "perouse planck plimsoll polo poncelet pythagoras ramanujan rankine reitsch ride roebling rolt ross rubin sacajawea " +
  "sagan sextus shackleton sikorsky slocum smeaton somerville stephenson swallow tasman telford tereshkova tesla " +
  "thales torricelli vespucci volta waghenaer watt wegener wright yeager zheng"
).split(" ");
