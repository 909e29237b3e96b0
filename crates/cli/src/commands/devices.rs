//! `scst devices`: what this binary and this machine can use.

use std::process::{Command, ExitCode, Stdio};

use scst_trainer::{Agreement, Backend, self_test as compare_with_flex};

use crate::{
    arguments::{DevicesArguments, SelfTestArguments},
    failure::Failure,
    output::print_line,
};

pub(crate) fn run(arguments: &DevicesArguments) -> Result<ExitCode, Failure> {
    for backend in Backend::ALL {
        match backend.describe() {
            Err(error) => print_line!("{:<8} not usable: {error}", backend.name()),
            Ok(text) => {
                print_line!("{:<8} {text}", backend.name());
                if let Ok(Some(memory)) = backend.memory() {
                    let place = memory.place.display();
                    match memory.trouble {
                        None => {
                            print_line!("{:<8} tuned and compiled kernels are kept in {place}", "");
                        }
                        Some(reason) => print_line!(
                            "{:<8} tuned and compiled kernels cannot be kept in {place}, so that every run begins by \
                             trying them: {reason}",
                            ""
                        ),
                    }
                }
                if arguments.self_test {
                    print_line!("{:<8} self-test {}", "", isolated_self_test(backend)?);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the self-test of a backend in a process of its own: a bad driver can kill the process.
fn isolated_self_test(backend: Backend) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot start myself: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let output = Command::new(program)
        .args(["self-test", backend.name()])
        .stdin(Stdio::null())
        .output()
        .map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rfind(|line| !line.trim().is_empty());
    let reason = last.unwrap_or("it said nothing");
    Ok(format!("FAILED ({}): {reason}", output.status))
}

pub(crate) fn self_test(arguments: &SelfTestArguments) -> Result<ExitCode, Failure> {
    let agreement = compare_with_flex(arguments.backend)?;
    let Agreement {
        device,
        xe,
        scst,
        kernel,
    } = &agreement;
    let of_kernels = match kernel {
        Some((name, largest)) => format!(", of single kernels {largest:.1e} ({name})"),
        None => String::new(),
    };
    let summary = format!(
        "on {device}; largest gradient difference to flex: cross-entropy step {xe:.1e}, SCST step \
         {scst:.1e}{of_kernels}"
    );
    if !agreement.holds() {
        return Err(Failure::Failed(format!(
            "{summary}, expected at most {:.0e}",
            Agreement::TOLERANCE
        )));
    }
    print_line!("passed {summary}");
    Ok(ExitCode::SUCCESS)
}
