/** Marks a command that the actor told itself. No wire body can be an instance, so outsiders cannot forge results. */
export class Told<Command> {
  readonly command: Command
  constructor(command: Command) {
    this.command = command
  }
}
