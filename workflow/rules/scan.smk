rule write_scan:
    input:
        unpack(scan_files),
    output:
        page=f"{SCANNED}/report.html",
        suspicious=f"{SCANNED}/suspicious.csv",
        clean=f"{SCANNED}/clean.csv",
        removed=f"{SCANNED}/removed.csv",
        summary=f"{SCANNED}/scan.json",
    log:
        "<logs>/scans/{scan}.log",
    conda:
        ENV
    params:
        spec=specs.write_scan,
        told=scan_words,
    message:
        "Write the findings of the scan {wildcards.scan}"
    script:
        "../scripts/write_scan.py"
