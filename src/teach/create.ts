import type { Host } from "../host/host.js";
import type { LoadOptions, ModelSource } from "../options.js";
import type { Session } from "../session/session.js";
import { keepSource } from "../worker/source.js";
import type { Teacher, TeacherOptions } from "./kinds.js";
import { SessionTeacher } from "./teacher.js";

/** What a teacher asks of where it runs. */
export interface TeachHost extends Pick<Host, "readPath" | "loadTorch" | "loadForeign"> {
  absolute(address: string): string;
  open(source: ModelSource, options: LoadOptions): Promise<Session>;
}

/** Loads a backbone to teach on. Its file is read again for what is exported. */
export async function createTeacherOn<Image>(
  host: TeachHost,
  backbone: ModelSource,
  { state, ...options }: TeacherOptions = {},
): Promise<Teacher<Image>> {
  const source = await keepSource(host, backbone);
  const session = await host.open(source, options);
  try {
    const teacher = new SessionTeacher<Image>(
      session,
      async (lesson) => {
        // Readers of files come with the first export.
        const { exportTaught } = await import("./export-file.js");
        return exportTaught(host, source, options, lesson);
      },
      state,
    );
    await teacher.checkState();
    return teacher;
  } catch (error) {
    await session.close();
    throw error;
  }
}
